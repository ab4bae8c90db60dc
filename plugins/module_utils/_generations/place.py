# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of the store: private, ours, and opened to one writer at a time."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._exclusive import holder, sign, take

_LOCK = "lock"


def check_place(directory: str) -> bool:
    """Whether the store is there. Raises IncidentError when somebody else could have put it there, or read it."""
    try:
        found = os.lstat(directory)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise IncidentError(
            f"The store {directory} cannot be looked at: {error.strerror}.", "Run with become: true."
        ) from error
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        what = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "no directory"
        raise IncidentError(
            f"The store {directory} is {what}.", "Remove it, or name a directory of the collection's own as the store."
        )
    if found.st_uid != os.geteuid():
        raise IncidentError(
            f"The store {directory} belongs to user {found.st_uid}, and this is user {os.geteuid()}.",
            "Run as who made it (become: true), or name another directory as the store.",
        )
    if mode & 0o077:
        raise IncidentError(
            f"The store {directory} has mode {mode:04o}: others may have read or changed what is in it.",
            f"Find out who opened it and whether it still verifies, then: chmod 0700 {directory}",
        )
    return True


def make_folder(path: str) -> None:
    """A private directory, and its name durable; there already is fine. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
        sync_directory(os.path.dirname(path))


def make_place(directory: str) -> None:
    """The directory of the store, if need be with those above it. Raises IncidentError and OSError."""
    if not check_place(directory):
        os.makedirs(os.path.dirname(directory), exist_ok=True)
        make_folder(directory)
        check_place(directory)


@contextlib.contextmanager
def locked(directory: str, who: str, patience: float, clock: Clock, *, writes: bool = True) -> Iterator[None]:
    """Nobody else writes meanwhile; waits ``patience`` seconds. The lock goes away with its process.

    Raises IncidentError with the holder's own words, and OSError. ``writes=False``: beside others who only read.
    """
    path = os.path.join(directory, _LOCK)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if not take(descriptor, patience, clock, shared=not writes):
            raise IncidentError(
                f"Somebody else works on the store {directory} ({holder(descriptor)}), and still did after "
                f"{patience:.0f} s.",
                "Wait until that has ended and run again; the lock goes away with its process.",
            )
        if writes:
            sign(descriptor, who, clock)
        yield
    finally:
        os.close(descriptor)
