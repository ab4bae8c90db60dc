# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mactime bodyfile of declared trees: name, inode, mode, owner, size and four times of everything in them."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Iterator, Sequence

_BATCH = 500


def bodyfile(trees: Sequence[str]) -> Iterator[bytes]:
    """Lines ``MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime`` of each tree and all in it, sorted.

    Stays on the file system of each tree and follows no links. In names ``%``, ``|``, control characters and what is
    no UTF-8 are percent-encoded: mactime drops a line with another number of bars without a word. What cannot be read
    is left out where nobody may know of it, and listed without contents where its directory may be read.
    """
    batch: list[bytes] = []
    for tree in trees:
        for line in _walk(os.path.abspath(tree)):
            batch.append(line)
            if len(batch) >= _BATCH:
                yield b"".join(batch)
                batch = []
    if batch:
        yield b"".join(batch)


def _walk(tree: str) -> Iterator[bytes]:
    try:
        top = os.lstat(tree)
    except OSError:
        return
    waiting = [(tree, top)]
    while waiting:
        path, status = waiting.pop()
        yield _line(path, status)
        if stat.S_ISDIR(status.st_mode) and status.st_dev == top.st_dev:
            waiting += reversed(_entries(path))


def _entries(folder: str) -> list[tuple[str, os.stat_result]]:
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    found.append((entry.path, entry.stat(follow_symlinks=False)))
                except OSError:
                    continue
    except OSError:
        return []
    return sorted(found)


def _line(path: str, status: os.stat_result) -> bytes:
    name = _encoded(os.fsencode(path))
    if stat.S_ISLNK(status.st_mode):
        with contextlib.suppress(OSError):
            name += b" -> " + _encoded(os.fsencode(os.readlink(path)))
    times = (status.st_atime, status.st_mtime, status.st_ctime)
    fields = (
        b"0",
        name,
        b"%d" % status.st_ino,
        stat.filemode(status.st_mode).encode(),
        b"%d" % status.st_uid,
        b"%d" % status.st_gid,
        b"%d" % status.st_size,
        *(b"%d" % time for time in times),
        b"0",
    )
    return b"|".join(fields) + b"\n"


def _encoded(name: bytes) -> bytes:
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        return b"".join(b"%c" % byte if 32 < byte < 127 and byte not in b"%|" else b"%%%02X" % byte for byte in name)
    return "".join(_character(each) for each in text).encode()


def _character(each: str) -> str:
    if each in "%|" or not each.isprintable():
        return "".join(f"%{byte:02X}" for byte in each.encode())
    return each
