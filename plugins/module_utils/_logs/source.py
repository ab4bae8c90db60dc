# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of one log, from wherever it is to be read to its end: plain, or unpacked while it is read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, Tuple

BLOCK = 256 * 1024
LONGEST = 64 * 1024  # bytes of a line that are looked at
_HOLE = bytes(BLOCK)
_ENDLESS = 1024 * 1024  # a line of so many bytes is given up: its beginning counts, the rest is passed over
_MEMORY = 64 * 1024 * 1024  # that unpacking may use

# Where it begins in the file, the bytes, where the last whole line ends.
Block = Tuple[int, bytes, int]
# From the rest of one block to the next one, which begins with that; nothing but that at the end.
Read = Callable[[bytes], bytes]


class Unreadable(Exception):
    """The rest of a compressed log cannot be unpacked; the message says why."""


@dataclass(frozen=True)
class Source:
    """An opened log. ``size`` in bytes at that moment, ``packed``: how it is compressed, empty when it is not."""

    path: str
    descriptor: int
    size: int
    written: float
    packed: str = ""

    def reader(self, start: int = 0) -> Read:
        """Gives block after block. Raises Unreadable, OSError."""
        if self.packed:
            return _unpacked(self, _UNPACKERS[self.packed]())
        return _plain(self, start)


def packing(path: str) -> str:
    """``gz``, ``bz2``, ``xz`` or nothing; by the name, as those that rotate logs give it."""
    ending = path.rpartition(".")[2].lower()
    return ending if ending in _UNPACKERS else ""


def _plain(source: Source, start: int) -> Read:
    position = start

    def read(rest: bytes) -> bytes:
        nonlocal position
        position -= len(rest)  # to read it again takes less time than to put it before the next block
        # No further than it was: a fast writer must not keep the scan from ending.
        size = min(max(BLOCK, 2 * len(rest)), max(0, source.size - position))
        data = os.pread(source.descriptor, size, position)
        position += len(data)
        return data

    return read


def _unpacked(source: Source, fresh: Callable[[], Any]) -> Read:
    unpacker, position, waiting, begun = fresh(), 0, b"", False

    def read(rest: bytes) -> bytes:
        nonlocal unpacker, position, waiting, begun
        while True:
            if unpacker.eof:  # another one may follow, or what pads a tape
                waiting, unpacker, begun = unpacker.unused_data.lstrip(b"\0"), fresh(), False
            ended = False
            if not waiting and unpacker.hungry:
                waiting = os.pread(source.descriptor, BLOCK // 4, position)
                position += len(waiting)
                ended = not waiting
                if ended and not begun:
                    return rest
            begun = True
            data, waiting = unpacker.unpack(waiting), b""
            if data:
                return rest + data if rest else bytes(data)
            if ended and not unpacker.eof:
                raise Unreadable("its end is missing")

    return read


class _Gzip:
    def __init__(self) -> None:
        import zlib

        self._zlib, self._inner, self._left = zlib, zlib.decompressobj(31), b""

    eof = property(lambda self: self._inner.eof)
    unused_data = property(lambda self: self._inner.unused_data)
    hungry = property(lambda self: not self._left)

    def unpack(self, data: bytes) -> bytes:
        try:
            found = self._inner.decompress(self._left + data, BLOCK)
        except self._zlib.error as error:
            raise Unreadable("it is not a gzip file, or damaged") from error
        self._left = self._inner.unconsumed_tail
        return found


class _Other:
    """bz2 and lzma have the same interface."""

    def __init__(self, inner: Any, errors: tuple[Any, ...], name: str) -> None:
        self._inner, self._errors, self._name = inner, errors, name

    eof = property(lambda self: self._inner.eof)
    unused_data = property(lambda self: self._inner.unused_data)
    hungry = property(lambda self: self._inner.needs_input)

    def unpack(self, data: bytes) -> bytes:
        try:
            return bytes(self._inner.decompress(data, BLOCK))
        except self._errors as error:
            raise Unreadable(f"it is not a {self._name} file, or damaged") from error


def _bz2() -> Any:
    import bz2

    return _Other(bz2.BZ2Decompressor(), (OSError, ValueError), "bzip2")


def _xz() -> Any:
    import lzma

    return _Other(lzma.LZMADecompressor(memlimit=_MEMORY), (lzma.LZMAError, EOFError), "xz")


_UNPACKERS: dict[str, Callable[[], Callable[[], Any]]] = {
    "gz": lambda: _Gzip,
    "bz2": lambda: _bz2,
    "xz": lambda: _xz,
}


def unpack_stream(pieces: Iterable[bytes], packed: str) -> Iterator[bytes]:
    """What was packed, unpacked while it goes by. Raises Unreadable."""
    fresh = _UNPACKERS[packed]()
    unpacker, within = fresh(), False
    for piece in pieces:
        piece = piece if within else piece.lstrip(b"\0")
        while piece or (within and not unpacker.hungry):
            within = True
            data, piece = unpacker.unpack(piece), b""
            if data:
                yield bytes(data)
            if unpacker.eof:  # another one may follow, or what pads a tape
                piece, unpacker, within = unpacker.unused_data.lstrip(b"\0"), fresh(), False
    if within:
        raise Unreadable("its end is missing")


def blocks(read: Read, start: int, endless: Callable[[], None]) -> Iterator[Block]:
    """Blocks of whole lines. Of a line without an end only the beginning comes, and ``endless`` is called for it.

    What is passed over, the rest of such a line and holes, comes as blocks that end where they begin.
    """
    rest, offset, skipping, ended = b"", start, False, False
    while not ended:
        data = read(rest)
        ended = len(data) <= len(rest)
        data = rest if ended else data
        if skipping:
            end = data.find(b"\n") + 1
            offset += end or len(data)
            data = data[end:] if end else b""
            skipping = not end
        if data[:1] == b"\0":  # a hole, which truncating a log under its writer leaves
            bare = b"" if data == _HOLE else data.lstrip(b"\0")
            offset, data = offset + len(data) - len(bare), bare
        cut = len(data) if ended else data.rfind(b"\n") + 1
        if cut:
            yield offset, data, cut
        elif len(data) > _ENDLESS:
            endless()
            yield offset, data[:LONGEST], LONGEST
            cut, skipping = len(data), True
        elif not data:
            yield offset, data, 0
        offset, rest = offset + cut, data[cut:]
