# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory on the host in which captures are made and wait to be fetched, out of reach of everybody else."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

PARTS, TREE, SEAL, RECORD = "parts", "tree", "seal", "package.json"
_NOBODY = 0xFFFFFFFF
_TRIES = 50


def fetcher() -> tuple[int, int] | None:
    """User and group of who is logged in and will fetch what root has made; None when that is this user itself."""
    if os.geteuid():
        return None
    uid = _number(os.environ.get("SUDO_UID", "")) or _login_uid()
    if not uid:
        return None
    return uid, _number(os.environ.get("SUDO_GID", "")) or -1


def prepare(directory: str, shared: bool) -> None:
    """Make it. ``shared``: somebody else may go through it, to what is his. Raises OSError and IncidentError."""
    mode = 0o711 if shared else 0o700
    parent = os.path.dirname(directory)
    os.makedirs(parent, exist_ok=True)
    _must_be_safe(parent, sticky=True)
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, mode)
    _must_be_safe(directory, sticky=False)
    if stat.S_IMODE(os.lstat(directory).st_mode) & mode != mode:
        os.chmod(directory, mode)


@contextlib.contextmanager
def claimed(directory: str, bag: str, shared: bool) -> Iterator[str]:
    """The new directory of a bag, marked as being worked on. Raises OSError, and IncidentError when it is there."""
    path = os.path.join(directory, bag)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        raise IncidentError(
            f"{path} is there already, and nothing is overwritten.", "Capture again: it gets the next number."
        ) from None
    with held(path):
        os.mkdir(os.path.join(path, PARTS), 0o700)
        os.chmod(path, 0o711 if shared else 0o700)
        yield path


@contextlib.contextmanager
def held(path: str) -> Iterator[bool]:
    """Whether nobody else works on it; nobody else can begin meanwhile. Ends with the process, however that ends."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def hand_over(path: str, owner: tuple[int, int] | None) -> None:
    """Give the finished parts to who will fetch them. The directory comes last: until then nobody can exchange them."""
    if owner is None:
        return
    folder = os.path.join(path, PARTS)
    for name in os.listdir(folder):
        os.chown(os.path.join(folder, name), *owner, follow_symlinks=False)
    os.chown(folder, *owner, follow_symlinks=False)


def remove(path: str) -> None:
    """All of it, as far as that is possible, also while threads that nobody waits for still write to it."""
    import shutil

    for _try in range(_TRIES):
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            return
        time.sleep(0.02)


def _must_be_safe(path: str, sticky: bool) -> None:
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        if sticky and stat.S_ISLNK(found.st_mode):
            return _must_be_safe(os.path.realpath(path), sticky)
        raise IncidentError(f"{path} is not a directory.", "Remove it, or give another directory.")
    open_to_others = found.st_mode & 0o022 and not (sticky and found.st_mode & stat.S_ISVTX)
    if found.st_uid not in (0, os.geteuid()) or open_to_others:
        raise IncidentError(
            f"Somebody else can write to {path} (mode {stat.S_IMODE(found.st_mode):04o}, user {found.st_uid}).",
            "Find out who made it, then remove it or give another directory.",
        )
    return None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _login_uid() -> int:
    try:
        with open("/proc/self/loginuid", encoding="ascii") as file:
            uid = _number(file.read().strip())
    except OSError:
        return 0
    return 0 if uid == _NOBODY else uid
