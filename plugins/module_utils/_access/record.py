# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host knows of the access that was taken away: one file, written before each effect."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._access.types import Step
from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory, write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._deadman.deadline import make_private
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

FOLDER = "access"
BEGUN, DONE, FAILED, UNDOING, UNDONE = "begun", "done", "failed", "undoing", "undone"


@dataclass(frozen=True)
class Locked:
    """An account that was, or was about to be, locked.

    ``prefixed``: its password got a ``!`` before it; ``digest``: of the password field then, which is not kept itself.
    ``before`` and ``after``: the day of expiry as it is written.
    """

    user: str
    prefixed: bool
    digest: str
    before: str
    after: str


@dataclass(frozen=True)
class Taken:
    """A step that was, or was about to be, run: one of the states above. ``said``: the end of its output, masked."""

    name: str
    run: tuple[str, ...]
    undo: tuple[str, ...]
    state: str
    said: str = ""

    @property
    def step(self) -> Step:
        """As it was wished."""
        return Step(self.name, self.run, self.undo)


@dataclass(frozen=True)
class Record:
    """All of one incident. ``since``: seconds since the epoch. ``sessions``: what was ended, in words."""

    id: str
    incident: str
    reason: str
    who: str
    since: float
    accounts: tuple[Locked, ...] = ()
    steps: tuple[Taken, ...] = ()
    sessions: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


class Records:
    """Where it is kept: ``<store_dir>/access``. A missing record is none, a damaged one raises IncidentError."""

    def __init__(self, store_dir: str) -> None:
        self.folder = os.path.join(store_dir, FOLDER)
        self.path = os.path.join(self.folder, "state.json")

    def read(self) -> Record | None:
        """What is taken away now."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._damaged(error) from error
        try:
            with open(handle, "rb") as file:
                return _record(json.load(file))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged(error) from error

    def write(self, record: Record) -> None:
        """Old or new, never between. Raises IncidentError."""
        self._write(self.path, asdict(record))

    def close(self, record: Record, how: Mapping[str, Any]) -> str:
        """It is over: kept beside it with ``how``, and removed; the path. Raises IncidentError."""
        path = os.path.join(self.folder, "history", f"{record.id}.json")
        self._write(path, {**asdict(record), "end": dict(how)})
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
            sync_directory(self.folder)
        except OSError as error:
            raise IncidentError(f"{self.path} cannot be removed: {error.strerror}.", "Is the disk broken?") from error
        return path

    def _write(self, path: str, content: Mapping[str, Any]) -> None:
        try:
            make_private(os.path.dirname(path))
            write_atomic(path, json.dumps(content).encode())
        except OSError as error:
            raise IncidentError(
                f"{path} cannot be written: {error.strerror}.",
                "What was not recorded was not done. Free some space on its disk, and run again.",
            ) from error

    def _damaged(self, error: Exception) -> IncidentError:
        return IncidentError(
            f"{self.path} cannot be read: {error}.",
            "Nothing was changed. What it said is the only way back: look at it, repair it or move it away.",
        )


def _record(raw: Mapping[str, Any]) -> Record:
    known = dict(raw)
    known["accounts"] = tuple(Locked(**each) for each in known["accounts"])
    known["steps"] = tuple(
        Taken(**{**each, "run": tuple(each["run"]), "undo": tuple(each["undo"])}) for each in known["steps"]
    )
    for name in ("sessions", "overrides"):
        known[name] = tuple(known[name])
    return Record(**known)
