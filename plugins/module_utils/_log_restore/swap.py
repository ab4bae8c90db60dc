# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a file that is complete in the place of a log, while nobody can write to the log, and without losing its name.

Two names are exchanged in one system call, so that there is a log at every moment, and what was exchanged can be looked
at afterwards. Against writers stands a read lease: the kernel grants it only where nobody has the file open for
writing, whoever that may be, and lets nobody open it until it is given back.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
from contextlib import contextmanager
from typing import Any, Callable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import open_file, unchanged
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import Changed, Identity

_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_AGAIN = "Run again; where it is being written, the backup is put beside it."

# Whether nobody has it open for writing, as far as /proc tells; for file systems without leases.
Free = Callable[[Identity], bool]


class CannotExchange(IncidentError):
    """Kernel or file system cannot do it; nothing was changed."""


def place(directory: int, staged: str, name: str, shown: str) -> None:
    """Give the staged file a name that is free. Raises Changed when it is not free any more, OSError."""
    try:
        os.link(staged, name, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
    except FileExistsError as error:
        raise Changed(f"{shown} appeared meanwhile.", "Run again.") from error
    os.unlink(staged, dir_fd=directory)
    os.fsync(directory)


def put_in_place(directory: int, staged: str, name: str, aside: str, expected: Identity, shown: str, free: Free) -> int:
    """Exchange the staged file and the log. The log stays as ``aside``; how many bytes were written to it meanwhile.

    These were appended to the new one. Raises Changed (somebody writes to it or it was rotated), CannotExchange,
    OSError; the log is as it was then.
    """
    log = open_file(directory, name, shown)
    try:
        with _alone(log, expected, shown, free) as still:
            unchanged(log, expected, shown)
            try:
                complete = os.stat(staged, dir_fd=directory, follow_symlinks=False).st_size
                _keep(directory, name, aside, expected, shown)
                _exchange(directory, staged, name, shown)
                if os.stat(staged, dir_fd=directory, follow_symlinks=False).st_ino != expected.inode[1] or not still():
                    _undo(directory, staged, name, complete, shown)
                    raise Changed(f"{shown} was opened or rotated meanwhile.", _AGAIN)
            except (IncidentError, OSError):
                _forget(directory, aside)
                raise
        late = _carry(directory, log, expected.size, name)
    finally:
        os.close(log)
    os.unlink(staged, dir_fd=directory)  # it has its other name
    os.fsync(directory)
    return late


def _keep(directory: int, name: str, aside: str, expected: Identity, shown: str) -> None:
    """A second name for the log. Raises Changed when it is not the log any more that has its name."""
    os.link(name, aside, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
    found = os.stat(aside, dir_fd=directory, follow_symlinks=False)
    if (found.st_dev, found.st_ino) != expected.inode:
        raise Changed(f"{shown} was rotated meanwhile.", _AGAIN)
    os.fsync(directory)


def _forget(directory: int, aside: str) -> None:
    """Take the second name away again, where the file has another one."""
    with contextlib.suppress(FileNotFoundError):
        if os.stat(aside, dir_fd=directory, follow_symlinks=False).st_nlink > 1:
            os.unlink(aside, dir_fd=directory)


def _undo(directory: int, staged: str, name: str, complete: int, shown: str) -> None:
    """Exchange them once more. What was written to the new file, behind what makes it complete, follows in the log."""
    mine = open_file(directory, name, shown)
    try:
        _exchange(directory, staged, name, shown)
        _carry(directory, mine, complete, name)
    finally:
        os.close(mine)


def _carry(directory: int, source: int, known: int, name: str) -> int:
    """Append to ``name`` what ``source`` has beyond ``known`` bytes; how many these were."""
    size = os.fstat(source).st_size
    if size <= known:
        return 0
    target = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        position = known
        while position < size:
            data = os.pread(source, min(1 << 20, size - position), position)
            position += os.write(target, data)
        os.fsync(target)
    finally:
        os.close(target)
    return size - known


@contextmanager
def _alone(log: int, expected: Identity, shown: str, free: Free) -> Iterator[Callable[[], bool]]:
    """While nobody writes to it; what is yielded says whether that is still so. Raises Changed."""
    # The kernel would end this process with it when somebody wants to open the file.
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        try:
            fcntl.fcntl(log, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            if error.errno == errno.EAGAIN or not free(expected):
                raise Changed(f"{shown} is open for writing, or nobody can tell.", _AGAIN) from error
            yield lambda: free(expected)
            return
        try:
            yield lambda: fcntl.fcntl(log, fcntl.F_GETLEASE) == fcntl.F_RDLCK
        finally:
            with contextlib.suppress(OSError):
                fcntl.fcntl(log, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    finally:
        signal.signal(signal.SIGIO, before)


def _exchange(directory: int, one: str, other: str, shown: str) -> None:
    import ctypes

    try:
        call: Any = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError) as error:
        raise CannotExchange(f"{shown}: the C library of this host cannot exchange files.", _BY_HAND) from error
    if call(directory, os.fsencode(one), directory, os.fsencode(other), ctypes.c_uint(_EXCHANGE)):
        number = ctypes.get_errno()
        if number in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise CannotExchange(f"{shown}: its file system cannot exchange files.", _BY_HAND)
        raise OSError(number, os.strerror(number), other)


_BY_HAND = "Move the log away by hand, then run again."
