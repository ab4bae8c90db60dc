# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything in declared trees, in one order that never changes, without reading any content."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from typing import Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.birth import births


@dataclass(frozen=True)
class Entry:
    """One thing in a tree. ``birth``: nanoseconds since the epoch, None if not known."""

    path: bytes
    status: os.stat_result
    birth: int | None

    @property
    def mode(self) -> str:
        """As ``ls -l`` shows it."""
        return stat.filemode(self.status.st_mode)

    def target(self) -> bytes:
        """Where a link leads, else empty. To ask is to access the link: the kernel has no other way."""
        if stat.S_ISLNK(self.status.st_mode):
            with contextlib.suppress(OSError):
                return os.readlink(self.path)
        return b""


def walk(trees: Sequence[str]) -> Iterator[Entry]:
    """Each tree and all in it, depth first, sorted by name.

    Stays on the file system of each tree, follows no links, and leaves all times as they are. What cannot be read is
    left out where nobody may know of it, and told without contents where its directory may be read.
    """
    birth = births()
    for tree in trees:
        for path, status in _tree(os.fsencode(os.path.abspath(tree))):
            yield Entry(path, status, birth(path))


def _tree(tree: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    try:
        top = os.lstat(tree)
    except OSError:
        return
    waiting = [(tree, top)]
    while waiting:
        path, status = waiting.pop()
        yield path, status
        if stat.S_ISDIR(status.st_mode) and status.st_dev == top.st_dev:
            waiting += reversed(_entries(path))


def _entries(folder: bytes) -> list[tuple[bytes, os.stat_result]]:
    found = []
    try:
        descriptor = _opened(folder)
    except OSError:
        return []
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                try:
                    found.append((os.path.join(folder, os.fsencode(entry.name)), entry.stat(follow_symlinks=False)))
                except OSError:
                    continue
    except OSError:
        return []
    finally:
        os.close(descriptor)
    return sorted(found)


def _opened(folder: bytes) -> int:
    """Without changing when it was read last, which is part of the evidence; only its owner and root can do that."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(folder, flags | os.O_NOATIME)
    except PermissionError:
        return os.open(folder, flags)
