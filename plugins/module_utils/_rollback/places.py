# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories by descriptor: what is done in one cannot be led elsewhere by whoever swaps a part of its path."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from contextlib import contextmanager
from typing import Iterator, Sequence

_DIRECTORY = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened(path: str, inode: int = 0) -> Iterator[int]:
    """A descriptor of the directory at a resolved path, no part of which may be a link.

    ``inode``: the one it must be, 0: any. Raises OSError, ESTALE for another one.
    """
    with entered(os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), path.strip("/").split("/")) as descriptor:
        if inode and os.fstat(descriptor).st_ino != inode:
            raise OSError(errno.ESTALE, "another directory has taken its place", path)
        yield descriptor


@contextmanager
def entered(start: int, parts: Sequence[str]) -> Iterator[int]:
    """A descriptor of the directory below ``start``, which is closed; no part may be a link. Raises OSError."""
    here = start
    try:
        steps = [part for part in parts if part]
        for number, part in enumerate(steps, 1):
            how = os.O_RDONLY if number == len(steps) else os.O_PATH
            deeper = os.open(part, how | _DIRECTORY, dir_fd=here)
            os.close(here)
            here = deeper
        yield here
    finally:
        os.close(here)


def status_of(directory: int, name: str) -> os.stat_result | None:
    """Of the name itself, not of where it leads; None when it is not there. Raises OSError."""
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def path_in(directory: int, name: str) -> str:
    """For the calls that know no directory descriptors."""
    return f"/proc/self/fd/{directory}/{name}"


def remove_tree(directory: int, name: str) -> None:
    """Remove the name and everything below it, without following links; not there is fine. Raises OSError."""
    status = status_of(directory, name)
    if status is None:
        return
    if not stat.S_ISDIR(status.st_mode):
        os.unlink(name, dir_fd=directory)
        return
    with entered(os.dup(directory), [name]) as inner:
        if os.geteuid() != 0 and not status.st_mode & stat.S_IWUSR:
            os.fchmod(inner, 0o700)
        for each in os.listdir(inner):
            remove_tree(inner, each)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(name, dir_fd=directory)
