# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of evidence_capture on a host, without a controller: what is sent, and what is in the package it leaves."""

from __future__ import annotations

import functools
import json
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from payload import payload

from ansible_collections.toombos.incident.plugins.module_utils._evidence.types import Artifact
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.definitions import built_in

INCIDENT = "INC-2026-1125-0001"
_MODULE = "toombos.incident.evidence_capture"


class Package:
    """What a call has left in ``directory``, by its result."""

    def __init__(self, output: Path) -> None:
        self.result: dict[str, Any] = json.loads(output.read_bytes())
        assert not self.result.get("failed"), self.result.get("msg")

    def record(self) -> dict[str, Any]:
        """The bag's capture.json."""
        parts = [Path(part["path"]) for part in self.result["package"]["parts"]]
        with _Joined(parts) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith("/capture.json") else None
                if content is not None:
                    found: dict[str, Any] = json.load(content)
                    return found
        raise LookupError("the package has no capture.json")

    def remove(self) -> None:
        """As the controller does when it has fetched it."""
        shutil.rmtree(self.result["directory"])


def call(directory: Path, bag: str, definitions: Sequence[dict[str, Any]], **options: Any) -> bytes:
    """For the standard input of the host's Python."""
    values = {
        "incident": INCIDENT,
        "bag": bag,
        "directory": str(directory),
        "definitions": list(definitions),
        "requested": {"who": "bench", "reason": "to measure", "controller": "bench", "incident": INCIDENT},
        "reason": "to measure what it takes",
        "_ansible_no_log": True,
        **options,
    }
    return payload(_MODULE, values)


@functools.cache
def all_definitions() -> tuple[dict[str, Any], ...]:
    """Those that come with the collection, as the controller sends them."""
    return tuple(asdict(artifact) for artifact in built_in())


def as_sent(artifact: Artifact) -> dict[str, Any]:
    """A definition as the controller sends it."""
    return asdict(artifact)


class _Joined:
    """Files one after the other, as a stream to read."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = list(paths)
        self._open: Any = None

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_reason: object) -> None:
        if self._open:
            self._open.close()

    def read(self, size: int) -> bytes:
        """Up to so many bytes; nothing at the end."""
        data = b""
        while len(data) < size:
            if self._open is None:
                if not self._paths:
                    break
                self._open = self._paths.pop(0).open("rb")
            more = self._open.read(size - len(data))
            if not more:
                self._open.close()
                self._open = None
            data += more
        return data
