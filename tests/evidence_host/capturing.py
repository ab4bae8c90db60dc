# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a capture to a Python as Ansible does, and reads what it has left."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.plugin_utils._lean import script as lean

MARKER = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
BAG = "INC-2026-1124-0001-web-1-001"
HOME = Path("/var/tmp/toombos-incident")


@dataclass(frozen=True)
class Done:
    """``memory``: the most that the process or one that it waited for had, in bytes. ``seconds``: of all of it."""

    result: dict[str, Any]
    complaints: str
    memory: int


def capture(
    artifacts: Sequence[t.Artifact],
    before: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> Done:
    """``before``: a command that runs the Python; ``options``: of the module."""
    given = {
        "incident": "INC-2026-1124-0001",
        "bag": BAG,
        "directory": str(HOME),
        "definitions": [asdict(each) for each in artifacts],
        "reserve": "0",
        "_ansible_no_log": True,
        **options,
    }
    text = lean.script("evidence_capture").replace(MARKER, json.dumps(lean.arguments(given)), 1)
    with tempfile.TemporaryFile() as script, tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaints:
        script.write(text.encode())
        script.seek(0)
        process = subprocess.Popen(
            [*before, sys.executable, "-I", "-S", "-"],
            stdin=script,
            stdout=said,
            stderr=complaints,
            cwd="/",
            env={**os.environ, **(environment or {})},
        )
        _pid, _status, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        said.seek(0)
        complaints.seek(0)
        return Done(json.loads(said.read()), complaints.read().decode("utf-8", "replace"), usage.ru_maxrss << 10)


def whole(result: Mapping[str, Any]) -> bytes:
    """The package, proven to be what the result says."""
    package = result["package"]
    content = b"".join(Path(part["path"]).read_bytes() for part in package["parts"])
    assert (len(content), hashlib.sha256(content).hexdigest()) == (package["size"], package["sha256"])
    return content


def contents(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Name in the bag and content of each file of an archive that is not sealed."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            yield member.name.partition("/")[2], file.read()


def files(*paths: object, name: str = "a/files", sensitivity: str = t.OPEN, **more: Any) -> t.Artifact:
    """An artifact of these files."""
    options = {"timeout": 20.0, "max_bytes": 1 << 30, **more}
    return t.Artifact(name, 3, (t.Source("files", tuple(map(str, paths))),), sensitivity=sensitivity, **options)
