# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a content lies in an object: a header, and the content, compressed where that helps; each byte guarded.

The header is one letter (``z`` for zlib, ``p`` for plain), the size of the content in 16 digits, and in 8 the CRC-32 of
all that and of what follows. The CRC finds what a digest of the content cannot see, such as a flipped bit in the
padding of a compressed stream.
"""

from __future__ import annotations

import os
import re
import zlib
from typing import Callable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

LENGTH = 28  # bytes of the header
_HEADER = re.compile(rb"([zp]) (\d{16}) ([0-9a-f]{8})\n")
_BLOCK = 1 << 18
_SMALL = 4096 - LENGTH  # takes one block of the disk, compressed or not
_HELPS = 0.9  # of the first piece, at most


class Corrupt(IncidentError):
    """What is in the store is not what was put there, or it is gone."""

    def __init__(self, what: str, why: str) -> None:
        self.short = f"{what} {why}"
        super().__init__(
            f"The store is damaged: {what} {why}.",
            "Go back to a generation that does not need it (the store's own verification lists all damage), "
            "and find out what is wrong with the disk.",
        )


class Writer:
    """Hands what follows the header to ``write``, piece by piece; ``size``: bytes of the content."""

    def __init__(self, write: Callable[[bytes], object], size: int) -> None:
        self._write = write
        self._size = size
        self._stream: zlib._Compress | None = None
        self._start = b""
        self._crc = 0

    def feed(self, piece: bytes) -> None:
        """A piece of the content. Raises what ``write`` raises."""
        if not self._start:
            self._begin(self._size > _SMALL and len(zlib.compress(piece, 1)) < len(piece) * _HELPS)
        self._put(self._stream.compress(piece) if self._stream else piece)

    def finish(self) -> bytes:
        """The end of the content; the header."""
        if not self._start:
            self._begin(False)
        if self._stream:
            self._put(self._stream.flush())
        return b"%s%08x\n" % (self._start, self._crc)

    def _begin(self, compressed: bool) -> None:
        self._stream = zlib.compressobj(6) if compressed else None
        self._start = b"%s %016d " % (b"z" if compressed else b"p", self._size)
        self._crc = zlib.crc32(self._start)

    def _put(self, data: bytes) -> None:
        self._crc = zlib.crc32(data, self._crc)
        self._write(data)


class Reader:
    """Reads an object from its descriptor; ``what`` it is, for messages. Raises Corrupt for a header that is none."""

    def __init__(self, descriptor: int, what: str) -> None:
        self._descriptor = descriptor
        self._what = what
        header = _HEADER.fullmatch(os.read(descriptor, LENGTH))
        if header is None:
            raise Corrupt(what, "has no header")
        self._header = header
        self.size = int(header[2])

    def raw(self) -> Iterator[bytes]:
        """What follows the header. Raises OSError, and at the end Corrupt unless the CRC is the one of the header."""
        crc = zlib.crc32(self._header[0][:-9])
        while True:
            data = os.read(self._descriptor, _BLOCK)
            if not data:
                break
            crc = zlib.crc32(data, crc)
            yield data
        if b"%08x" % crc != self._header[3]:
            raise Corrupt(self._what, "has another checksum")

    def content(self) -> Iterator[bytes]:
        """The content; never more than the header says, whatever the compressed stream would grow to."""
        left = self.size
        for piece in self._inflated() if self._header[1] == b"z" else self.raw():
            left -= len(piece)
            if left < 0:
                break
            yield piece
        if left:
            raise Corrupt(self._what, "has another size")

    def _inflated(self) -> Iterator[bytes]:
        stream = zlib.decompressobj()
        try:
            for data in self.raw():
                while data:
                    yield stream.decompress(data, _BLOCK)
                    data = stream.unconsumed_tail
                    if stream.unused_data:
                        raise Corrupt(self._what, "goes on after its end")
            yield stream.flush()
        except zlib.error:
            raise Corrupt(self._what, "cannot be decompressed") from None
        if not stream.eof:
            raise Corrupt(self._what, "is cut off")
