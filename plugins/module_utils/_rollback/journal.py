# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a switch under way has decided, on the disk before it happens; and the lock of whoever works on it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from dataclasses import asdict
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory, write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment
from ansible_collections.toombos.incident.plugins.module_utils._rollback.steps import Folder, Record, Step

_NAME = "switch.json"
_FAILED = "switch.failed.json"
_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC


class Journal:
    """``<directory>/switch.json``, and ``lock``. The directory is ours alone (0700)."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._path = os.path.join(directory, _NAME)
        self._lock = -1

    @property
    def path(self) -> str:
        """For a person."""
        return self._path

    @property
    def locked(self) -> bool:
        """By us."""
        return self._lock >= 0

    def lock(self, now: float) -> None:
        """Keep others away until ``unlock`` or the end of this process. Raises IncidentError that says who does."""
        self._make_directory()
        path = os.path.join(self.directory, "lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o600)
        except OSError as error:
            raise IncidentError(f"{path} cannot be opened: {error.strerror}.", "Mend its directory.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            who = os.read(descriptor, 200).decode("utf-8", "replace").strip() or "somebody"
            os.close(descriptor)
            raise IncidentError(
                f"Another switch of files is in progress: {who} holds {path}.",
                "Wait until it has ended, then run again.",
            ) from None
        self._lock = descriptor
        # First of all, and only for whoever is refused: that it cannot be written, on a full disk, is no reason to end.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()}, since {moment(now)}\n".encode(), 0)
        with contextlib.suppress(OSError):
            self._tidy()

    def unlock(self) -> None:
        """Let others in."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def read(self) -> Record | None:
        """The switch under way, or None. Raises IncidentError when the journal is damaged."""
        try:
            with open(os.open(self._path, os.O_RDONLY | _NO_LINK), "rb") as handle:
                raw: Any = json.load(handle)
            if _digest(raw["record"]) != raw["sha256"]:
                raise ValueError
            return _record(raw["record"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IncidentError(
                f"The journal {self._path} cannot be read ({type(error).__name__}): what was under way?",
                "Compare the set with its newest generations. Move the journal away when that is done.",
            ) from error

    def write(self, record: Record) -> None:
        """Make it the truth, durably. Raises OSError; the old one holds then."""
        content = asdict(record)
        whole = {"record": content, "sha256": _digest(content)}
        write_atomic(self._path, json.dumps(whole, sort_keys=True).encode())

    def remove(self) -> None:
        """The switch is over. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        sync_directory(self.directory)

    def retire(self) -> None:
        """Nothing more can be done; the journal stays for a person, and in nobody's way. Raises OSError."""
        os.replace(self._path, os.path.join(self.directory, _FAILED))
        sync_directory(self.directory)

    def _tidy(self) -> None:
        """What a killed writer of the journal has left."""
        for name in os.listdir(self.directory):
            if name.startswith(f".{_NAME}."):
                os.unlink(os.path.join(self.directory, name))

    def _make_directory(self) -> None:
        try:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            status = os.lstat(self.directory)
        except OSError as error:
            raise IncidentError(
                f"The directory of the journal, {self.directory}, cannot be made: {error.strerror}.",
                "Run with become: true, or name another one.",
            ) from error
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise IncidentError(
                f"The directory of the journal, {self.directory}, is not ours alone.",
                f"It must be a directory of this user with mode 0700: chmod 0700 {self.directory}",
            )


def _digest(content: Any) -> str:
    import hashlib

    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _record(raw: Any) -> Record:
    steps = (
        Step(**{**each, "before": tuple(each["before"]), "inside": tuple(each["inside"])}) for each in raw["steps"]
    )
    folders = (Folder(**{**each, "after": Entry(**each["after"])}) for each in raw["folders"])
    return Record(str(raw["state"]), float(raw["since"]), tuple(steps), tuple(folders))
