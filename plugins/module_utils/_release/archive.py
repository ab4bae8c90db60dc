# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a dirty tree as an archive, and back again. What touches the tree is called as the tree's user."""

from __future__ import annotations

import contextlib
import importlib
import os
import stat
from typing import IO, Any, Sequence

_FILES, _INDEXES = "tree/", "index/"


def load() -> None:
    """Import what is needed here before it is called as a user who may not be able to read this Python's library."""
    importlib.import_module("tarfile")


def pack(
    descriptor: int, top: str, needed: Sequence[str], extra: Sequence[str], indexes: Sequence[str], most: int
) -> dict[str, Any]:
    """Write an archive of files below ``top`` to an open file.

    ``needed``: what would be lost. ``extra``: what stays where it is; left out where it cannot be read, or beyond
    ``most`` bytes. ``indexes``: of the trees, by number. Returns {files, bytes, gone, left}: names that are not there,
    and of those that were left out. Raises OSError for what is needed and cannot be read.
    """
    import tarfile

    count, size = 0, 0
    gone: list[str] = []
    left: list[str] = []
    with os.fdopen(os.dup(descriptor), "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for number, index in enumerate(indexes):
                _add(archive, index, f"{_INDEXES}{number}")
            for name in dict.fromkeys([*needed, *extra]):
                path = os.path.join(top, name)
                optional = name not in needed
                try:
                    found = os.lstat(path)
                    if optional and size + found.st_size > most:
                        left.append(name)
                    elif _add(archive, path, _FILES + name):
                        count, size = count + 1, size + found.st_size
                except (FileNotFoundError, NotADirectoryError):
                    gone.append(name)
                except PermissionError:
                    if not optional:
                        raise
                    left.append(name)
        file.flush()
        os.fsync(file.fileno())
    return {"files": count, "bytes": size, "gone": gone, "left": left}


def unpack(descriptor: int, top: str, gone: Sequence[str], indexes: Sequence[str]) -> None:
    """Put everything of such an archive back below ``top``, and remove what was gone. Raises OSError."""
    import tarfile

    with os.fdopen(os.dup(descriptor), "rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
        for member in archive:
            if member.name.startswith(_INDEXES):
                _put(archive, member, indexes[int(member.name[len(_INDEXES) :])])
            else:
                _put(archive, member, os.path.join(top, member.name[len(_FILES) :]))
    for name in gone:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            os.unlink(os.path.join(top, name))


def in_the_way(top: str, added: Sequence[str], tracked: Sequence[str]) -> dict[str, list[str]]:
    """What lies where a switch would put files that are not tracked yet.

    ``files``: would be overwritten. ``blocked``: a directory with something of its own stands there, or something that
    is no file.
    """
    known = set(tracked)
    files: list[str] = []
    blocked: list[str] = []
    for name in added:
        parts = name.split("/")
        for depth in range(1, len(parts) + 1):
            part = "/".join(parts[:depth])
            try:
                mode = os.lstat(os.path.join(top, part)).st_mode
            except (FileNotFoundError, NotADirectoryError):
                break
            if stat.S_ISDIR(mode):
                if depth == len(parts):
                    blocked += _strangers(top, part, known)
                continue
            if part not in known:
                (files if stat.S_ISREG(mode) or stat.S_ISLNK(mode) else blocked).append(part)
            break
    return {"files": sorted(set(files)), "blocked": sorted(set(blocked))}


def _strangers(top: str, folder: str, known: set[str]) -> list[str]:
    """The first thing in a directory that is not tracked, and so would stay in the way."""
    for where, _folders, names in os.walk(os.path.join(top, folder)):
        for name in names:
            path = os.path.relpath(os.path.join(where, name), top)
            if path not in known:
                return [path]
    return []


def _add(archive: Any, path: str, name: str) -> bool:
    """Whether it is something that can be kept: a file or a link."""
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        archive.addfile(archive.gettarinfo(path, name))
        return True
    if not stat.S_ISREG(found.st_mode):
        return False
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        member = archive.gettarinfo(arcname=name, fileobj=file)
        # Another name of one and the same file would become a link to it in the archive; here each has its content.
        member.type, member.linkname, member.size = b"0", "", os.fstat(handle).st_size
        archive.addfile(member, _Exactly(file, member.size))
    return True


class _Exactly:
    """So many bytes of a file that may shrink meanwhile."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def read(self, count: int) -> bytes:
        """The next ones; zero bytes where the file has ended early."""
        count = min(count, self._left)
        self._left -= count
        return self._file.read(count).ljust(count, b"\0")


def _put(archive: Any, member: Any, path: str) -> None:
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, f".incident.{os.urandom(8).hex()}")
    try:
        if member.issym():
            os.symlink(member.linkname, temporary)
        else:
            _write(archive.extractfile(member), temporary, member.mode & 0o7777, member.mtime)
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _write(content: IO[bytes], path: str, mode: int, mtime: float) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        while True:
            piece = content.read(1 << 20)
            if not piece:
                break
            file.write(piece)
        file.flush()
        os.fchmod(handle, mode)
        os.utime(handle, (mtime, mtime))
        os.fsync(handle)
