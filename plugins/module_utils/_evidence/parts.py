# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts what is larger than its cap into its beginning and its end, while it goes by and in bounded memory."""

from __future__ import annotations

from typing import Callable, Iterable, Iterator, Tuple

WHOLE, HEAD, TAIL = "whole", "head", "tail"
_RING = 4 << 20  # bytes of the end of a stream of unknown length that are kept in memory
Parts = Iterator[Tuple[str, Iterable[bytes]]]


class Counted:
    """Passes pieces on, digests and counts them; ends after ``most`` bytes."""

    def __init__(self, content: Iterable[bytes], digest: Callable[[bytes], None], most: int | None) -> None:
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


def split_known(content: Iterable[bytes], cap: int, size: int) -> Parts:
    """Label and pieces of what is ``size`` bytes long: the whole, or head and tail. All of it is read in any case."""
    if size <= cap:
        yield WHOLE, content
        return
    half = cap // 2
    rest = _Rest(iter(content))
    yield HEAD, rest.take(half)
    rest.skip(size - 2 * half)
    yield TAIL, rest.take(half)


def split_unknown(pieces: Iterator[bytes], cap: int) -> Parts:
    """The same of what nobody knows how long it gets: what is called the whole is the head when a tail follows.

    Only what may be the end is held back.
    """
    room = min(cap // 2, _RING)
    held = bytearray()

    def first() -> Iterator[bytes]:
        left = cap - room
        for piece in pieces:
            if left:
                yield piece[:left]
            held.extend(piece[left:])
            left -= min(left, len(piece))
            if len(held) > room:
                return
        yield bytes(held)

    yield WHOLE, first()
    if len(held) <= room:
        return
    for piece in pieces:
        held += piece
        if len(held) > 2 * room:
            del held[: len(held) - room]
    yield TAIL, (bytes(held[len(held) - room :]),)


def begun(pieces: Iterator[bytes], least: int) -> tuple[bytes, Iterator[bytes]]:
    """At least so many bytes of the beginning, where there are as many, and the rest."""
    first = next(pieces, b"")
    if len(first) < least:
        held = bytearray(first)
        for piece in pieces:
            held += piece
            if len(held) >= least:
                break
        first = bytes(held)
    return first, pieces


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
