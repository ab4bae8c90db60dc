# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts content into a bag: streamed, in bounded memory, digested in one pass, never past what the disk can spare."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from dataclasses import dataclass
from typing import Iterable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._evidence import compress
from ansible_collections.toombos.incident.plugins.module_utils._evidence.types import Stored

_LOOK = 8 << 20  # bytes between two looks at the free space
_RING = 4 << 20  # bytes of the end of a stream of unknown length that are kept in memory
_SMALL = 4096  # what is smaller is not compressed


class Full(Exception):
    """The budget of the capture is spent, or the disk would be left with less than its reserve."""


class Abandoned(Exception):
    """Nobody waits for this any more."""


@dataclass(frozen=True)
class Limits:
    """``reserve``: bytes that stay free on the file system of the bag; ``budget``: bytes that the bag may have."""

    reserve: int
    budget: int


class Store:
    """The payload of one bag below ``root``, an existing private directory. ``zstd``: path of the program, if any."""

    def __init__(self, root: str, limits: Limits, zstd: str | None) -> None:
        self._root = root
        self._limits = limits
        self._zstd = zstd
        self._spent = 0
        self._looked_at = -_LOOK
        self._abandoned: set[str] = set()

    @property
    def spent(self) -> int:
        """Bytes stored so far."""
        return self._spent

    def abandon(self, prefix: str) -> None:
        """Nothing whose name begins with ``prefix`` is stored any more by whoever still works on it; the rest goes."""
        self._abandoned.add(prefix)
        folder = os.path.join(self._root, "data", prefix)
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(folder):
                os.unlink(os.path.join(folder, name))

    def forget(self, stored: Iterable[Stored]) -> None:
        """Take out again what turned out to be nothing."""
        for each in stored:
            os.unlink(os.path.join(self._root, each.path))

    def account(self, name: str, count: int) -> None:
        """So many bytes of ``name`` are about to be stored.

        Raises Full, also for what others have put on the disk meanwhile, and Abandoned.
        """
        if any(name.startswith(prefix) for prefix in self._abandoned):
            raise Abandoned(name)
        if self._spent + count > self._limits.budget:
            raise Full(f"the capture has reached its budget of {self._limits.budget} bytes")
        if self._spent + count - self._looked_at >= _LOOK:
            self._looked_at = self._spent
            disk = os.statvfs(self._root)
            left = disk.f_bavail * disk.f_frsize - max(count, _LOOK)
            if left < self._limits.reserve:
                raise Full(f"the disk of {self._root} would be left with less than {self._limits.reserve} bytes")
        self._spent += count

    def put(
        self, name: str, origin: str, content: Iterable[bytes], cap: int, size: int | None = None
    ) -> tuple[Stored, ...]:
        """Store ``content`` as ``data/<name>`` or, when it is larger than ``cap``, its beginning and its end.

        ``size``: bytes of the content, where that is known before; no more than these are read. Digest and size are of
        the whole content in any case. Raises Full; what belongs to ``name`` is gone again then.
        """
        whole = hashlib.sha256()
        counted = _Counted(content, whole.update, size)
        parts: list[_Part] = []
        try:
            for label, pieces in _split(counted, cap, size):
                parts.append(self._part(f"{name}{label}", pieces, small=size is not None and size < _SMALL))
        except BaseException:
            for part in parts:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self._root, part.path))
            raise
        digest = whole.hexdigest()
        return tuple(
            Stored(
                path=part.path,
                origin=origin,
                size=counted.size,
                stored=part.stored,
                sha256=part.sha256,
                sha512=part.sha512,
                original_sha256=digest,
                part=part.label,
                compression=part.compression,
            )
            for part in parts
        )

    def _part(self, name: str, pieces: Iterable[bytes], small: bool) -> _Part:
        kind = compress.NONE if small else compress.ZSTD if self._zstd else compress.GZIP
        path = f"data/{name}{compress.SUFFIXES[kind]}"
        label = name.rsplit(".", 1)[-1] if name.endswith((".head", ".tail")) else "whole"
        self.account(name, 0)
        deposit = _Deposit(self, name, os.path.join(self._root, path))
        compressor = compress.make_compressor(kind, deposit.write, self._zstd)
        try:
            for piece in pieces:
                compressor.feed(piece)
            compressor.finish()
            return _Part(path, label, kind, *deposit.close())
        except BaseException as error:
            compressor.abandon()
            deposit.discard()
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Full(f"the disk of {self._root} is full") from error
            raise


@dataclass(frozen=True)
class _Part:
    path: str
    label: str
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
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)

    def write(self, data: bytes) -> None:
        self._store.account(self._name, len(data))
        self._size += len(data)
        for digest in self._digests:
            digest.update(data)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def close(self) -> tuple[int, str, str]:
        """Bytes and digests. Not forced to the disk: a bag has thousands of files; its manifests tell what was lost."""
        self._file.close()
        return self._size, self._digests[0].hexdigest(), self._digests[1].hexdigest()

    def discard(self) -> None:
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


class _Counted:
    """Passes pieces on, digests and counts them; ends after ``most`` bytes."""

    def __init__(self, content: Iterable[bytes], digest: compress.Write, most: int | None) -> None:
        self._content = content
        self._digest = digest
        self._most = most
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._content:
            kept = piece if self._most is None else piece[: self._most - self.size]
            self.size += len(kept)
            self._digest(kept)
            yield kept
            if self.size == self._most:
                return


def _split(content: _Counted, cap: int, size: int | None) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Label and pieces: of the whole, or of head and tail when it turns out to be larger than ``cap``."""
    pieces = iter(content)
    if size is not None:
        if size <= cap:
            yield "", pieces
            return
        half = cap // 2
        rest = _Rest(pieces)
        yield ".head", rest.take(half)
        rest.skip(size - 2 * half)
        yield ".tail", rest.take(half)
        return
    # Nobody knows how long it gets: until it is larger than the cap it is held back, the cap of such sources is small.
    held: list[bytes] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length > cap:
            break
    else:
        yield "", held
        return
    begun = b"".join(held)
    half = min(cap // 2, _RING)
    yield ".head", (begun[:half],)
    ring = bytearray(begun[half:][-half:])
    for piece in pieces:
        ring += piece
        if len(ring) > 2 * half:
            del ring[:-half]
    yield ".tail", (bytes(ring[-half:]),)


class _Rest:
    """Pieces that can be cut anywhere."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def take(self, count: int) -> Iterator[bytes]:
        """The next so many bytes, in pieces."""
        while count > 0:
            piece = self._left or next(self._pieces, b"")
            if not piece:
                return
            self._left = piece[count:]
            count -= len(piece[:count])
            yield piece[: len(piece) - len(self._left)]

    def skip(self, count: int) -> None:
        """Read on, for the digest."""
        for _piece in self.take(count):
            pass
