# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts content into a bag: streamed, in bounded memory, digested in one pass, never past what the disk can spare."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import threading
from dataclasses import dataclass, replace
from typing import Callable, Iterable

from ansible_collections.toombos.incident.plugins.module_utils._evidence import compress, parts
from ansible_collections.toombos.incident.plugins.module_utils._evidence.types import Stored

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_LOOK = 8 << 20  # bytes between two looks at the free space
_TO_PACK = 16 << 20  # bytes for manifests, headers, and what lies between two looks while it is packed
_SMALL = 4096  # what is not larger is not compressed
_MEDIUM = 256 << 10  # what is smaller is compressed here: to start a program takes longer
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh", b"\x04\x22\x4d\x18")  # compressed already
# From the original to what is stored of it; the flag: it begins somewhere within the original.
Change = Callable[[Iterable[bytes], bool], Iterable[bytes]]


class Full(Exception):
    """The budget of the capture is spent, or the disk would be left with less than its reserve."""


class Abandoned(Exception):
    """Nobody waits for this any more."""


@dataclass(frozen=True)
class Limits:
    """``reserve``: bytes that stay free on the file system of the bag; ``budget``: bytes that the bag may have."""

    reserve: int
    budget: int


def check_room(path: str, reserve: int, count: int) -> None:
    """Raises Full where the disk of ``path`` would be left with less than ``reserve`` bytes after ``count`` more."""
    disk = os.statvfs(path)
    if disk.f_bavail * disk.f_frsize - count < reserve:
        raise Full(f"the disk of {path} would be left with less than {reserve} bytes")


class Store:
    """The payload of one bag below ``root``, an existing private directory; several threads may put into it.

    ``zstd``: path of the program, if any.
    """

    def __init__(self, root: str, limits: Limits, zstd: str | None) -> None:
        self._root = root
        self._limits = limits
        self._zstd = zstd
        self._spent = 0
        self._largest = 0
        self._looked_at = -_LOOK
        self._abandoned: set[str] = set()
        self._lock = threading.Lock()

    @property
    def spent(self) -> int:
        """Bytes stored so far."""
        return self._spent

    def abandon(self, prefix: str) -> None:
        """Nothing below ``prefix`` is stored any more by whoever still works on it; what is there goes."""
        with self._lock:
            self._abandoned.add(prefix)
        folder = os.path.join(self._root, "data", prefix)
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(folder):
                os.unlink(os.path.join(folder, name))

    def make_folder(self, name: str) -> None:
        """The private directory for ``name``. Where the root is gone, it stays gone."""
        path = self._root
        for step in ("data", *name.split("/")[:-1]):
            path = os.path.join(path, step)
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)

    def forget(self, stored: Iterable[Stored]) -> None:
        """Take out again what turned out to be nothing."""
        for each in stored:
            os.unlink(os.path.join(self._root, each.path))

    def account(self, name: str, count: int, size: int = 0) -> None:
        """So many bytes of ``name`` are about to be stored, ``size`` with those before.

        Raises Full, also for what others have put on the disk meanwhile, and Abandoned.
        """
        with self._lock:
            if os.path.dirname(name) in self._abandoned:
                raise Abandoned(name)
            if self._spent + count > self._limits.budget:
                raise Full(f"the capture has reached its budget of {self._limits.budget} bytes")
            if self._spent + count - self._looked_at >= _LOOK:
                # To pack it takes room for the largest file once more.
                check_room(self._root, self._limits.reserve, max(count, _LOOK) + max(self._largest, size) + _TO_PACK)
                self._looked_at = self._spent
            self._spent += count
            self._largest = max(self._largest, size)

    def put(
        self,
        name: str,
        origin: str,
        content: Iterable[bytes],
        cap: int,
        size: int | None = None,
        change: Change | None = None,
        resized: bool = False,
    ) -> tuple[Stored, ...]:
        """Store ``content`` as ``data/<name>`` or, when it is larger than ``cap``, its beginning and its end.

        ``size``: bytes of the content, where that is known before; no more than these are read. Digest and size are of
        the whole content in any case, also where ``change`` makes something else of it; ``resized``: of another length
        altogether. Raises Full; what belongs to ``name`` is gone again then.
        """
        whole = hashlib.sha256()
        counted = parts.Counted(content, whole.update, size)
        change = change or _unchanged
        made: list[_Part] = []
        try:
            if size is None or resized:
                divided = parts.split_unknown(iter(change(counted, False)), cap)
            else:
                divided = _changed(parts.split_known(counted, cap, size), change)
            for label, pieces in divided:
                made.append(self._part(f"{name}.tail" if label == parts.TAIL else name, label, pieces))
            if len(made) > 1:
                made[0] = self._as_head(made[0], name)
        except BaseException:
            for part in made:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self._root, part.path))
            raise
        digest = whole.hexdigest()
        return tuple(Stored(origin=origin, size=counted.size, original_sha256=digest, **vars(part)) for part in made)

    def _as_head(self, part: _Part, name: str) -> _Part:
        path = f"data/{name}.head{compress.SUFFIXES[part.compression]}"
        os.rename(os.path.join(self._root, part.path), os.path.join(self._root, path))
        return replace(part, path=path, part=parts.HEAD)

    def _part(self, name: str, label: str, pieces: Iterable[bytes]) -> _Part:
        begun, rest = parts.begun(iter(pieces), _MEDIUM)
        kind = self._kind(begun)
        path = f"data/{name}{compress.SUFFIXES[kind]}"
        self.account(name, 0)
        deposit = _Deposit(self, name, os.path.join(self._root, path))
        compressor: compress.Compressor | None = None
        try:
            compressor = compress.make_compressor(kind, deposit.write, self._zstd)
            compressor.feed(begun)
            for piece in rest:
                compressor.feed(piece)
            compressor.finish()
            self.account(name, 0)  # somebody may have given it up meanwhile
            return _Part(path, label, kind, *deposit.close())
        except BaseException as error:
            if compressor is not None:
                compressor.abandon()
            deposit.discard()
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise Full(f"the disk of {self._root} is full") from error
            raise

    def _kind(self, begun: bytes) -> str:
        if len(begun) <= _SMALL or begun.startswith(_PACKED):
            return compress.NONE
        return compress.ZSTD if self._zstd and len(begun) >= _MEDIUM else compress.GZIP


def _unchanged(pieces: Iterable[bytes], _midway: bool) -> Iterable[bytes]:
    return pieces


def _changed(divided: parts.Parts, change: Change) -> parts.Parts:
    for label, pieces in divided:
        yield label, change(pieces, label == parts.TAIL)


@dataclass(frozen=True)
class _Part:
    """What Stored says of a part alone, under the same names."""

    path: str
    part: str
    compression: str
    stored: int
    sha256: str
    sha512: str


class _Deposit:
    """A new file, digested while it is written."""

    def __init__(self, store: Store, name: str, path: str) -> None:
        self._store = store
        self._name = name
        self._path = path
        self._size = 0
        self._digests = (hashlib.sha256(), hashlib.sha512())
        store.make_folder(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)

    def write(self, data: bytes) -> None:
        self._size += len(data)
        self._store.account(self._name, len(data), self._size)
        for digest in self._digests:
            digest.update(data)
        write_all(self._file.fileno(), data)

    def close(self) -> tuple[int, str, str]:
        """Bytes and digests. Not forced to the disk: a bag has thousands of files; its manifests tell what was lost."""
        self._file.close()
        return self._size, self._digests[0].hexdigest(), self._digests[1].hexdigest()

    def discard(self) -> None:
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


def write_all(descriptor: int, data: bytes) -> None:
    """All of it. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
