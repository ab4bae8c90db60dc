# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of logs and backups, opened so that no link leads elsewhere, and judged by who may change them."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import Access, Changed, Identity

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a pipe in the place of a log must not hold anything up.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class Unsafe(IncidentError):
    """What is there may not be touched, or not be believed."""


@contextmanager
def opened(path: str) -> Iterator[int]:
    """The directory at ``path``, as a descriptor. Raises Unsafe, FileNotFoundError.

    No component may be a link or be changed by everybody: whoever may do that could have others' files overwritten.
    """
    current = os.open("/", _DIRECTORY)
    try:
        for part in path.strip("/").split("/") if path.strip("/") else []:
            following = _enter(current, part, path)
            os.close(current)
            current = following
        yield current
    finally:
        os.close(current)


def _enter(parent: int, part: str, path: str) -> int:
    try:
        found = os.stat(part, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            raise Unsafe(f"{path}: {part} is a symbolic link.", "Declare the real path.")
        if not stat.S_ISDIR(found.st_mode):
            raise Unsafe(f"{path}: {part} is no directory.", "Declare the path of a directory.")
        following = os.open(part, _DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unsafe(f"{path}: {part} cannot be opened: {error.strerror}.", "Run with become: true.") from error
    mode = os.fstat(following).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        os.close(following)
        raise Unsafe(
            f"{path}: everybody may write to {part}.", f"Take that away (chmod o-w) and look at what is in {part}."
        )
    return following


def open_file(directory: int, name: str, shown: str) -> int:
    """A regular file of an opened directory, for reading. Raises Unsafe, FileNotFoundError."""
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            raise Unsafe(f"{shown} is a symbolic link.", "Declare the real path.")
        if not stat.S_ISREG(found.st_mode):
            raise Unsafe(f"{shown} is not a regular file.", "Look at what it is.")
        descriptor = os.open(name, _READ, dir_fd=directory)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unsafe(f"{shown} cannot be read: {error.strerror}.", "Run with become: true.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unsafe(f"{shown} is not a regular file.", "Look at what it is.")
    return descriptor


def identity(found: os.stat_result) -> Identity:
    """Of a file that was looked at."""
    return Identity((found.st_dev, found.st_ino), found.st_size, found.st_mtime_ns)


def access(found: os.stat_result) -> Access:
    """Who it belongs to."""
    return Access(found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))


def believe(directory: int, descriptor: int, shown: str) -> None:
    """Raises Unsafe for a file of a backup that somebody may have planted."""
    place, found = os.fstat(directory), os.fstat(descriptor)
    if found.st_mode & stat.S_IWOTH:
        raise Unsafe(f"{shown} may be written by everybody.")
    if found.st_uid not in (0, place.st_uid):
        raise Unsafe(f"{shown} belongs neither to root nor to the owner of the backup.")
    if place.st_mode & stat.S_IWOTH:
        raise Unsafe(f"{os.path.dirname(shown)} may be written by everybody.")
    if found.st_nlink > 1 and found.st_uid != place.st_uid:
        raise Unsafe(f"{shown} is a hard link to a file of somebody else.")


def unchanged(descriptor: int, expected: Identity, shown: str) -> None:
    """Raises Changed when the file is not as it was looked at."""
    if identity(os.fstat(descriptor)) != expected:
        raise Changed(f"{shown} was changed meanwhile.", "Run again.")


def room(directory: int) -> int:
    """Bytes that this user may still write to the file system, less a hundredth of it."""
    found = os.fstatvfs(directory)
    return max(0, found.f_bavail - found.f_blocks // 100) * found.f_frsize
