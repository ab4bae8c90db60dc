# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a file that should be a log: read to its end, digested, and judged by its bytes."""

from __future__ import annotations

import os
from typing import Callable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import (
    CORRUPT,
    EMPTY,
    WHOLE,
    Condition,
)
from ansible_collections.toombos.incident.plugins.module_utils._logs.source import Unreadable, unpack_stream
from ansible_collections.toombos.incident.plugins.module_utils._logs.window import first_in, last_in

BLOCK = 256 * 1024
_RUN = 64  # NUL bytes in a row that no program writes
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\x08\x0c\x1b")) + b"\x7f"
_MOST_CONTROL = 0.05  # of a block of text
_FEW_CONTROL = 16  # bytes, in any block
_TAIL = 64 * 1024
_NULS = bytes(_RUN)


def pieces(descriptor: int, size: int, see: Callable[[bytes], object] | None = None) -> Iterator[bytes]:
    """The first ``size`` bytes of a file, or what there is of them. Raises OSError."""
    position = 0
    while position < size:
        data = os.pread(descriptor, min(BLOCK, size - position), position)
        if not data:
            return
        position += len(data)
        if see is not None:
            see(data)
        yield data


def inspect(descriptor: int, size: int, packed: str) -> Condition:
    """Read ``size`` bytes of it. ``packed``: how it is compressed, or nothing. Raises OSError."""
    import hashlib

    digest, look = hashlib.sha256(), _Look()
    raw, why = pieces(descriptor, size, digest.update), ""
    try:
        for data in unpack_stream(raw, packed) if packed else raw:
            look.see(data)
    except Unreadable as error:
        why = str(error)
        for _rest in raw:
            pass
    look.end()
    if packed:
        # Its damage has no place among the bytes of the file: all of them are compared.
        why, intact = why or look.why, size
    else:
        why, intact = look.why, look.read if look.damage is None else look.damage
    state = EMPTY if not look.read and not why else CORRUPT if why else WHOLE
    return Condition(
        state, why, size, intact, digest.hexdigest(), look.more and not packed, look.ended, look.first, look.newest
    )


class _Look:
    """Goes over the bytes of a log. ``damage``: where the first damage begins, None: there is none."""

    def __init__(self) -> None:
        self.read = 0
        self.damage: int | None = None
        self.why, self.more, self.ended = "", False, True
        self.first: float | None = None
        self._tail = b""
        self._nuls = 0  # that the bytes read so far end with

    @property
    def newest(self) -> float | None:
        """The time of the last line that has one."""
        return last_in(self._tail)

    def see(self, data: bytes) -> None:
        """The next bytes, BLOCK of them at most where the file is plain."""
        text = data
        if b"\0" in data or self._nuls:
            text = self._zeros(data)
        if len(text) - len(text.translate(None, _CONTROL)) > max(_FEW_CONTROL, _MOST_CONTROL * len(text)):
            self._damaged(self.read, "it is not readable as text")
            self.more = self.more or first_in(text) is not None
        elif text and self.damage is not None and self.damage < self.read:
            self.more = True
        self.read += len(data)
        if text:
            if self.first is None:
                self.first = first_in(text[:_TAIL])
            self._tail = (self._tail + text)[-_TAIL:]
            self.ended = data.endswith(b"\n")

    def end(self) -> None:
        """There is no more."""
        if self._nuls:
            self._damaged(self.read - self._nuls, f"it ends with {self._nuls} NUL bytes")

    def _zeros(self, data: bytes) -> bytes:
        """The bytes without long runs of NUL; these are damage, and what stands behind them is more."""
        at_start = len(data) - len(data.lstrip(b"\0"))
        before = self._nuls
        if at_start == len(data):
            self._nuls += at_start
            if self._nuls >= _RUN:
                self._damaged(self.read - before, "it has a run of NUL bytes")
            return b""
        if before + at_start >= _RUN:
            self._damaged(self.read - before, "it has a run of NUL bytes")
        self.more = self.more or self.damage is not None
        self._nuls = len(data) - len(data.rstrip(b"\0"))
        inner = data.strip(b"\0")
        place = inner.find(_NULS)
        if place >= 0:
            self._damaged(self.read + at_start + place, "it has a run of NUL bytes")
            self.more = True
            inner = inner.replace(_NULS, b"")
        return inner

    def _damaged(self, place: int, why: str) -> None:
        if self.damage is None:
            self.damage, self.why = place, why
