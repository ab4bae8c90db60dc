# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host knows of its isolation: one file, written as one, and removed when the isolation is over."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory, write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._containment.types import Flow
from ansible_collections.toombos.incident.plugins.module_utils._deadman.deadline import make_private
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

FOLDER = "containment"
_STATE, _TAMPERING, _HISTORY = "state.json", "tampering.json", "history"


@dataclass(frozen=True)
class Record:
    """One isolation. ``since``: seconds since the epoch. ``boot``: in which it was put in place.

    ``listing``: our rules as they were read back; empty until they were. ``others``: the rules of others before, by
    backend. ``connection``: over which it was put in place. ``deadline``: the id of the one at which it ends unless it
    is confirmed. ``overrides``: the refusals that were overridden. ``previous``: what is in force again if it is not
    confirmed; None: nothing is.
    """

    id: str
    incident: str
    reason: str
    who: str
    since: float
    backend: str
    flows: tuple[Flow, ...]
    others: Mapping[str, str]
    connection: str
    boot: str
    deadline: str
    listing: str = ""
    confirmed: bool = False
    overrides: tuple[str, ...] = ()
    previous: Record | None = None

    def same(self, backend: str, flows: tuple[Flow, ...]) -> bool:
        """Whether it leaves exactly this possible."""
        return self.backend == backend and set(self.flows) == set(flows)


class Records:
    """Where that is kept: ``<store_dir>/containment``. A missing record is none, a damaged one raises IncidentError."""

    def __init__(self, store_dir: str) -> None:
        self.folder = os.path.join(store_dir, FOLDER)
        self.path = os.path.join(self.folder, _STATE)
        self.tampering_path = os.path.join(self.folder, _TAMPERING)

    def read(self) -> Record | None:
        """The isolation that is in force, or waits."""
        try:
            raw = _load(self.path)
            return None if raw is None else _record(raw)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IncidentError(
                f"{self.path} cannot be read: {error}.",
                "state: released takes the isolation away, whatever it was; move the file away for that.",
            ) from error

    def write(self, record: Record) -> None:
        """Old or new, never between. Raises IncidentError."""
        self._write(self.path, asdict(record))

    def remove(self) -> None:
        """It is over. What was found out about tampering goes with it, ``archive`` has that. Raises IncidentError."""
        try:
            for path in (self.path, self.tampering_path):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            with contextlib.suppress(FileNotFoundError):
                sync_directory(self.folder)
        except OSError as error:
            raise IncidentError(f"{self.path} cannot be removed: {error.strerror}.", "Is the disk broken?") from error

    def archive(self, record: Record, how: Mapping[str, Any]) -> str:
        """Keep what is known of one that is over; the path. Raises IncidentError."""
        path = os.path.join(self.folder, _HISTORY, f"{record.id}.json")
        self._write(path, {**asdict(record), "end": dict(how), "tampering": self.tampering()})
        return path

    def tampering(self) -> dict[str, Any]:
        """``count``, ``first``, ``last`` (seconds since the epoch), the last ``events``: ``at``, what was ``found``."""
        none: dict[str, Any] = {"count": 0, "first": 0.0, "last": 0.0, "events": []}
        with contextlib.suppress(OSError, ValueError):
            raw = _load(self.tampering_path)
            if isinstance(raw, dict) and raw.keys() == none.keys():
                return raw
        return none

    def note_tampering(self, at: float, found: str, most: int = 20) -> dict[str, Any]:
        """Count one more; what is known then. A full disk loses that, and nothing else."""
        known = self.tampering()
        events = [*known["events"], {"at": at, "found": found[:2000]}][-most:]
        now = {"count": known["count"] + 1, "first": known["first"] or at, "last": at, "events": events}
        with contextlib.suppress(IncidentError):
            self._write(self.tampering_path, now)
        return now

    def _write(self, path: str, content: Mapping[str, Any]) -> None:
        try:
            make_private(os.path.dirname(path))
            write_atomic(path, json.dumps(content).encode())
        except OSError as error:
            raise IncidentError(
                f"{path} cannot be written: {error.strerror}.", "Free some space on its disk."
            ) from error


def _load(path: str) -> Any:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with open(handle, "rb") as file:
        return json.load(file)


def _record(raw: Mapping[str, Any]) -> Record:
    known = dict(raw)
    known["flows"] = tuple(Flow(**flow) for flow in known["flows"])
    known["overrides"] = tuple(known["overrides"])
    known["previous"] = _record(known["previous"]) if known["previous"] else None
    return Record(**known)
