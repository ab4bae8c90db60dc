# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of maintenance mode is on the host: the record of ours, and the flag, which may be somebody else's."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory, write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._exclusive import take
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.types import Flag, Mode, from_dict, to_dict
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

OURS, FOREIGN, NONE = "ours", "foreign", "none"
_LARGEST = 1 << 20  # bytes of a flag that could be ours
_PATIENCE = 90.0


class Place:
    """``<store>/maintenance.json`` (0600), and its lock."""

    def __init__(self, store: str) -> None:
        self.store = store
        self.path = os.path.join(store, "maintenance.json")

    def read(self) -> Mode | None:
        """What is on record. Raises IncidentError for a record that cannot be read: it may still have to be undone."""
        try:
            with open(self.path, "rb") as file:
                return from_dict(json.load(file))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IncidentError(
                f"{self.path} cannot be read ({type(error).__name__}), so it is not known what is turned on.",
                "Turn it off by hand, then remove that file.",
            ) from error

    def write(self, mode: Mode) -> None:
        """Replace the record. Raises OSError."""
        write_atomic(self.path, json.dumps(to_dict(mode)).encode())

    def remove(self) -> None:
        """Forget it. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        sync_directory(self.store)

    @contextlib.contextmanager
    def locked(self, patience: float = _PATIENCE) -> Iterator[None]:
        """One at a time turns it on or off. Raises IncidentError."""
        try:
            handle = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise IncidentError(
                f"{self.path}.lock cannot be opened: {error.strerror}.", "Run with become: true."
            ) from error
        try:
            if not take(handle, patience, Clock()):
                raise IncidentError(
                    "Maintenance mode is being turned on or off by somebody else.", "Wait a moment and run again."
                )
            yield
        finally:
            os.close(handle)


def content_of(flag: Flag, mode: Mode) -> bytes:
    """What stands in the flag."""
    if flag.content:
        return flag.content.encode()
    said = {"since": moment(mode.since), "until": moment(mode.until), "reason": mode.reason, "by": mode.by}
    return (json.dumps(said) + "\n").encode()


def digest(content: bytes) -> str:
    """SHA-256, hex."""
    import hashlib

    return hashlib.sha256(content).hexdigest()


def whose(flag: Flag | None, mode: Mode | None) -> str:
    """Whether the flag is there, and ours. What cannot be read, and what is no plain file, is not ours."""
    if flag is None or not os.path.lexists(flag.path):
        return NONE
    if mode is None:
        return FOREIGN
    try:
        found = os.lstat(flag.path)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            return FOREIGN
        with open(flag.path, "rb") as file:
            return OURS if digest(file.read()) in mode.digests else FOREIGN
    except OSError:
        return FOREIGN


def put_flag(flag: Flag, mode: Mode) -> None:
    """Write it, and its directory, which is missing below /run after a restart. Raises OSError or KeyError."""
    uid, gid = _account(flag)
    os.makedirs(os.path.dirname(flag.path), mode=0o755, exist_ok=True)
    write_atomic(flag.path, content_of(flag, mode), mode=flag.mode, uid=uid, gid=gid)


def remove_flag(flag: Flag, mode: Mode) -> str:
    """Remove it if it is ours; what it was. Raises OSError."""
    found = whose(flag, mode)
    if found == OURS:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(flag.path)
    return found


def _account(flag: Flag) -> tuple[int | None, int | None]:
    import grp
    import pwd

    uid = pwd.getpwnam(flag.owner).pw_uid if flag.owner else None
    return uid, grp.getgrnam(flag.group).gr_gid if flag.group else None
