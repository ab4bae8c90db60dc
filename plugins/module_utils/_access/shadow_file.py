# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/etc/shadow itself: one writer at a time, the locks that every program of the system takes, old or new content."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time
from typing import Callable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._rollback.attributes import (
    encoded,
    read_xattrs,
    write_xattrs,
)

_PATIENCE = 15.0  # seconds, as lckpwdf(3) waits
_LOOK = 0.1
_MOST = 16 << 20  # bytes
_LEFT_BEHIND = re.compile(r"\.shadow\.[0-9a-f]{16}")


def read_shadow(etc: str = "/etc") -> bytes:
    """The content. Raises IncidentError for what is no ordinary file."""
    handle = _open(etc)
    try:
        return _content(handle)
    finally:
        os.close(handle)


def change_shadow(change: Callable[[bytes], bytes], etc: str = "/etc", patience: float = _PATIENCE) -> bool:
    """Replace the content by what ``change`` makes of it, under the locks; whether it is another one.

    Owner, mode and attributes (the label of SELinux) stay. Raises IncidentError, and whatever ``change`` does; the old
    file is untouched then.
    """
    with locked(etc, patience):
        handle = _open(etc)
        try:
            before = _content(handle)
            after = change(before)
            if after == before:
                return False
            _replace(etc, handle, after)
            return True
        except OSError as error:
            raise IncidentError(
                f"{etc}/shadow cannot be written: {error.strerror}.",
                "It is as it was. Free some space on its disk, or make it writable.",
            ) from error
        finally:
            os.close(handle)


@contextlib.contextmanager
def locked(etc: str, patience: float = _PATIENCE) -> Iterator[None]:
    """Both locks: that of lckpwdf(3), which PAM and systemd take, and shadow.lock of passwd, usermod and vipw."""
    give_up = time.monotonic() + patience
    try:
        handle = os.open(f"{etc}/.pwd.lock", os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise IncidentError(f"{etc}/.pwd.lock cannot be opened: {error.strerror}.", "Run with become: true.") from error
    try:
        while not _taken(handle):
            _wait(give_up, f"Another program holds {etc}/.pwd.lock.")
        own = _link_lock(etc, give_up)
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(own)
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _link_lock(etc: str, give_up: float) -> str:
    """shadow.lock with our pid in it, made as shadow-utils make it; its path."""
    lock, own = f"{etc}/shadow.lock", f"{etc}/shadow.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(own)  # of one with our pid that was killed
    try:
        handle = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, f"{os.getpid()}\0".encode())
        finally:
            os.close(handle)
        while True:
            try:
                os.link(own, lock)
                return lock
            except FileExistsError:
                holder = _holder(lock)
                if holder is None:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(lock)
                    continue
                _wait(give_up, f"{lock} is held by pid {holder}: vipw, usermod or passwd.")
    except OSError as error:
        raise IncidentError(f"{lock} cannot be made: {error.strerror}.", "Free some space on its disk.") from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(own)


def _holder(lock: str) -> str | None:
    """Who holds it; None: nobody that lives, as the file says."""
    try:
        with open(lock, "rb") as file:
            text = file.read(64).rstrip(b"\0\n").decode("ascii", "replace")
    except FileNotFoundError:
        return None
    if not text.isdigit():
        return "unknown"  # somebody may be about to write it
    if int(text) == os.getpid():
        return None  # of one that was killed, whose pid is ours now
    try:
        os.kill(int(text), 0)
    except (ProcessLookupError, OverflowError):
        return None
    except PermissionError:
        pass
    return text


def _wait(give_up: float, words: str) -> None:
    if time.monotonic() >= give_up:
        raise IncidentError(words, "Nothing was changed. Let it end, and run again.")
    time.sleep(_LOOK)


def _open(etc: str) -> int:
    path = f"{etc}/shadow"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        why = "is a symbolic link" if os.path.islink(path) else f"cannot be read: {error.strerror}"
        raise IncidentError(f"{path} {why}.", "Nothing was changed. Lock the accounts where they are kept.") from error
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST:
        os.close(handle)
        raise IncidentError(f"{path} is no ordinary file.", "Nothing was changed. Look what it is.")
    return handle


def _content(handle: int) -> bytes:
    pieces: list[bytes] = []
    os.lseek(handle, 0, os.SEEK_SET)
    while True:
        piece = os.read(handle, 1 << 20)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def _replace(etc: str, old: int, data: bytes) -> None:
    path = f"{etc}/shadow"
    temporary = f"{etc}/.shadow.{os.urandom(8).hex()}"
    was = os.fstat(old)
    for name in filter(_LEFT_BEHIND.fullmatch, os.listdir(etc)):
        os.unlink(f"{etc}/{name}")  # of one that was killed; who holds the locks is the only one who writes them
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchown(file.fileno(), was.st_uid, was.st_gid)
            write_xattrs(file.fileno(), encoded(read_xattrs(old)))
            os.fchmod(file.fileno(), stat.S_IMODE(was.st_mode))
            os.fsync(file.fileno())
        now = os.lstat(path)
        if (now.st_ino, now.st_dev, now.st_mtime_ns) != (was.st_ino, was.st_dev, was.st_mtime_ns):
            raise IncidentError(f"{path} was changed meanwhile, past its locks.", "It is as it was. Run again.")
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_directory(etc)
