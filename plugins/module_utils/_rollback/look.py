# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one path as it is now, to say whether it is still what a plan was made for."""

from __future__ import annotations

import errno
import os
import stat
from typing import Tuple

from ansible_collections.toombos.incident.plugins.module_utils._generations.types import (
    ABSENT,
    DIRECTORY,
    FILE,
    SYMLINK,
    Entry,
)
from ansible_collections.toombos.incident.plugins.module_utils._rollback.attributes import encoded, read_xattrs
from ansible_collections.toombos.incident.plugins.module_utils._rollback.places import path_in, status_of

# Of a moment: inode, mode, owner, group and, but for directories, size, time and time of change. Empty: not there.
Seen = Tuple[int, ...]
_PIECE = 1 << 20
_KIND = {stat.S_IFREG: FILE, stat.S_IFLNK: SYMLINK, stat.S_IFDIR: DIRECTORY}


def kind_of(status: os.stat_result | None) -> str:
    """One of the kinds of an Entry, or ``special`` for what no set has."""
    return ABSENT if status is None else _KIND.get(stat.S_IFMT(status.st_mode), "special")


def look(directory: int, name: str) -> Seen:
    """What tells cheaply that somebody touched the path. Raises OSError."""
    status = status_of(directory, name)
    if status is None:
        return ()
    seen = (status.st_ino, status.st_mode, status.st_uid, status.st_gid)
    if stat.S_ISDIR(status.st_mode):
        return seen  # its times change when something is staged in it
    return (*seen, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def entry_now(directory: int, name: str, path: str, content: bool = True) -> Entry:
    """The path as an Entry, which lies as ``name`` in ``directory``; without ``content`` a file's digest is empty.

    The kind may be ``special``. Raises OSError.
    """
    status = status_of(directory, name)
    kind = kind_of(status)
    if status is None or kind not in (FILE, DIRECTORY, SYMLINK):
        return Entry(path, kind)
    return Entry(
        path,
        kind,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        mtime_ns=status.st_mtime_ns,
        size=status.st_size,
        sha256=_digest(directory, name) if kind == FILE and content else "",
        target=os.readlink(name, dir_fd=directory) if kind == SYMLINK else "",
        xattrs=encoded(read_xattrs(path_in(directory, name))),
    )


def _digest(directory: int, name: str) -> str:
    import hashlib

    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=directory)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.ESTALE, "is a file no longer", name)
        digest = hashlib.sha256()
        while True:
            piece = os.read(descriptor, _PIECE)
            if not piece:
                return digest.hexdigest()
            digest.update(piece)
    finally:
        os.close(descriptor)
