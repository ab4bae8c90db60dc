# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The new file beside a log: written, made durable and verified before it gets a name that anybody knows."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._log_restore import names
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.content import pieces
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import Access, Changed


@contextlib.contextmanager
def staged(
    directory: int, parts: list[tuple[int, int]], access: Access, written: int, digest: str
) -> Iterator[tuple[str, str]]:
    """Name and SHA-256 of a new file of ``parts`` (descriptor, bytes of it), with its owner and mode.

    ``written``: when that was, in ns since the epoch. ``digest``: what the first part must have, empty: anything.
    Nothing of it is left when the block ends, unless the file has got another name. Raises Changed when a part is not
    what it was, OSError when there is no room.
    """
    name = names.staged()
    handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory)
    try:
        try:
            total, sha256 = _write(handle, parts, digest)
            os.fchown(handle, access.uid, access.gid)
            os.fchmod(handle, access.mode)
            os.utime(handle, ns=(written, written))
            os.fsync(handle)
            _verify(handle, total, sha256)
        finally:
            os.close(handle)
        yield name, sha256
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)


def leftovers(directory: int) -> list[str]:
    """What runs have left that were cut off: files that are not complete, and second names of logs that still have
    their own. What such a run replaced has no other name, and is none of them.
    """
    found, inodes = [], {}
    for name in os.listdir(directory):
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                inodes[name] = status.st_ino
    for name, inode in inodes.items():
        if names.is_staged(name) or inodes.get(names.kept_of(name)) == inode:
            found.append(name)
    return sorted(found)


def remove_leftovers(directory: int) -> int:
    """Remove them; how many. Raises OSError."""
    found = leftovers(directory)
    for name in found:
        os.unlink(name, dir_fd=directory)
    return len(found)


def _write(handle: int, parts: list[tuple[int, int]], digest: str) -> tuple[int, str]:
    """How many bytes were written, and their SHA-256."""
    import hashlib

    total, written = 0, hashlib.sha256()
    for number, (source, size) in enumerate(parts):
        copied = 0
        for data in pieces(source, size, written.update):
            copied += len(data)
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
        if copied != size or (number == 0 and digest and written.hexdigest() != digest):
            raise Changed("What is to be copied was changed meanwhile.", "Run again.")
        total += size
    return total, written.hexdigest()


def _verify(handle: int, total: int, sha256: str) -> None:
    """Read it again. Raises Changed."""
    import hashlib

    seen = hashlib.sha256()
    for _data in pieces(handle, total, seen.update):
        pass
    if seen.hexdigest() != sha256:
        raise Changed("What was copied is not what was to be copied.", "Look at the disk, and run again.")
