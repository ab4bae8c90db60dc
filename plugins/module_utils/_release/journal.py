# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is being done to a tree, written down before it is done, so that whoever comes next can undo it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Iterator, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory, write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._managers.record import boot_id as this_boot

SWITCHING, DEPLOYING, JUDGING = "switching", "deploying", "judging"
_LOOK = 0.1


@dataclass(frozen=True)
class Entry:
    """A rollback that has begun. ``state``, ``target``: of the release that was in place and of the one wanted.

    ``phase``: what was begun last. ``hook``: {pid, start} of the deploy hook that runs. ``preserved``: directory, or
    empty. ``since``: seconds since 1970.
    """

    path: str
    kind: str
    phase: str
    release: str
    name: str
    target_id: str
    target_name: str
    state: Mapping[str, Any]
    target: Mapping[str, Any]
    preserved: str
    owner: str
    since: float
    boot: str = ""
    hook: Mapping[str, int] | None = None

    @property
    def running_hook(self) -> tuple[int, int] | None:
        """Pid and start time of the deploy hook, where that can still be the same."""
        if not self.hook or self.boot != this_boot():
            return None
        return self.hook["pid"], self.hook["start"]

    @property
    def deployed(self) -> bool:
        """Whether the deploy hook of the wanted release may have run."""
        return self.phase != SWITCHING


class Journal:
    """``<store>/code/<name>.json`` of one tree, and the lock that its programs inherit."""

    def __init__(self, store: str, path: str) -> None:
        import hashlib

        self._path = path
        self._store = store
        # The last part may be the link that is to be exchanged: what it leads to does not name it.
        place = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        name = hashlib.sha256(os.fsencode(place)).hexdigest()
        self.file = os.path.join(store, "code", f"{name[:32]}.json")

    def read(self) -> Entry | None:
        """What has begun and not ended. Raises IncidentError when the file is there and cannot be read."""
        try:
            with open(self.file, "rb") as file:
                return Entry(**json.load(file))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise IncidentError(
                f"{self.file}, the record of an unfinished rollback, cannot be read ({type(error).__name__}).",
                f"Look at {self._path} by hand, remove that file, and run again.",
            ) from error

    def write(self, entry: Entry) -> None:
        """Durably, before what it says is begun. Raises OSError."""
        content = {**asdict(entry), "boot": this_boot()}
        write_atomic(self.file, (json.dumps(content, sort_keys=True) + "\n").encode())

    def clear(self) -> None:
        """It has ended. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.file)
            sync_directory(os.path.dirname(self.file))

    @contextmanager
    def held(self, patience: float, clock: Clock) -> Iterator[int]:
        """The open lock. Programs that an earlier call has left behind keep it until they end.

        Raises IncidentError when they do not within ``patience`` seconds, or when the store cannot be used.
        """
        path = f"{self.file[: -len('.json')]}.lock"
        try:
            for folder in (self._store, os.path.dirname(self.file)):
                os.makedirs(folder, mode=0o700, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise IncidentError(
                f"{path} cannot be opened: {error.strerror}.", "Run with become: true, or name another store_dir."
            ) from error
        try:
            end = clock.monotonic() + patience
            while not _locked(handle):
                if clock.monotonic() >= end:
                    raise IncidentError(
                        f"Programs of an earlier rollback are still at work in {self._path}.",
                        f"Wait until they have ended and run again. fuser {path} names them.",
                    )
                clock.sleep(_LOOK)
            yield handle
        finally:
            os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
