# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bag as one tar archive, sealed or not, in parts that a connection can carry one by one."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any, Callable, Iterable

from ansible_collections.toombos.incident.plugins.module_utils._evidence.compress import Broken
from ansible_collections.toombos.incident.plugins.module_utils._evidence.place import PARTS
from ansible_collections.toombos.incident.plugins.module_utils._evidence.seal import Sealing
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import check_room, write_all

LARGEST = 64 << 20  # bytes of a part
_LOOK = 8 << 20
_BLOCK = 1 << 20
_TAR_BLOCK = 512
_HEADER = 2 << 10  # bytes of a header and what fills it up


@dataclass(frozen=True)
class Package:
    """``size`` and ``sha256`` of the whole; ``parts``: of each part as well, with its path."""

    parts: tuple[dict[str, Any], ...]
    size: int
    sha256: str
    method: str

    def to_dict(self) -> dict[str, Any]:
        """For the result."""
        return {"parts": list(self.parts), "size": self.size, "sha256": self.sha256, "method": self.method}


def pack(bag: str, names: Iterable[str], folder: str, reserve: int, sealing: Sealing | None, now: float) -> Package:
    """Move the files ``names`` of ``bag`` into an archive below ``folder``: each is gone as soon as it is in there.

    Raises OSError, Full and Broken; what is there then is no package.
    """
    names = list(names)
    expected = sum(os.path.getsize(os.path.join(bag, name)) + _HEADER for name in names)
    parts = _Parts(os.path.join(folder, PARTS), reserve, expected)
    try:
        if sealing is None:
            _archive(bag, names, parts.write, now)
        else:
            _sealed(sealing, parts, lambda write: _archive(bag, names, write, now))
    finally:
        parts.close()
    return Package(tuple(parts.done), parts.size, parts.whole.hexdigest(), sealing.method if sealing else "none")


def _sealed(sealing: Sealing, parts: _Parts, make: Callable[[Callable[[bytes], None]], None]) -> None:
    tool = sealing.filter(parts.write)
    given = 0

    def feed(data: bytes) -> None:
        nonlocal given
        given += len(data)
        tool.feed(data)

    try:
        make(feed)
    except BaseException:
        tool.abandon()
        raise
    tool.finish()
    if parts.size <= given:  # neither compresses
        raise Broken(f"{sealing.method} has sealed less than it was given")


def _archive(bag: str, names: Iterable[str], write: Callable[[bytes], None], now: float) -> None:
    import tarfile

    for name in names:
        path = os.path.join(bag, name)
        with open(path, "rb", buffering=0) as file:
            info = tarfile.TarInfo(f"{os.path.basename(bag)}/{name}")
            info.size, info.mode, info.mtime = os.fstat(file.fileno()).st_size, 0o600, int(now)
            write(info.tobuf(tarfile.PAX_FORMAT))
            left = info.size
            while left:
                data = file.read(min(left, _BLOCK))
                if not data:
                    raise OSError(f"{path} has become shorter")
                left -= len(data)
                write(data)
            write(bytes(-info.size % _TAR_BLOCK))
        os.unlink(path)
    write(bytes(2 * _TAR_BLOCK))


class _Parts:
    """Files of at most LARGEST bytes, one after the other, digested while they are written: ``expected`` in all."""

    def __init__(self, folder: str, reserve: int, expected: int) -> None:
        self.done: list[dict[str, Any]] = []
        self.size = 0
        self.whole = hashlib.sha256()
        self._folder = folder
        self._reserve = reserve
        self._expected = expected
        self._looked_at = -_LOOK
        self._descriptor = -1
        self._digest = hashlib.sha256()
        self._length = 0

    def write(self, data: bytes) -> None:
        while data:
            if self._descriptor < 0:
                self._open()
            piece = data[: LARGEST - self._length]
            data = data[len(piece) :]
            if self.size + len(piece) - self._looked_at >= _LOOK:
                self._looked_at = self.size
                check_room(self._folder, self._reserve, min(_LOOK, max(0, self._expected - self.size)))
            write_all(self._descriptor, piece)
            for digest in (self.whole, self._digest):
                digest.update(piece)
            self.size += len(piece)
            self._length += len(piece)
            if self._length == LARGEST:
                self.close()

    def close(self) -> None:
        """End the part that is being written, if any."""
        if self._descriptor < 0:
            return
        os.close(self._descriptor)
        self._descriptor = -1
        self.done.append({"path": self._path, "size": self._length, "sha256": self._digest.hexdigest()})

    def _open(self) -> None:
        self._path = os.path.join(self._folder, f"{len(self.done) + 1:04d}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        self._digest = hashlib.sha256()
        self._length = 0
