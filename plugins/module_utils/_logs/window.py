# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where reading a log begins: at its beginning, before its last lines, or at a time."""

from __future__ import annotations

import os
import time
from typing import Callable, Iterable

from ansible_collections.toombos.incident.plugins.module_utils._logs.source import BLOCK, Source, Unreadable, blocks
from ansible_collections.toombos.incident.plugins.module_utils._logs.stamps import moment

_LOOK = 64 * 1024  # bytes in which a line with a time is looked for
_LINES = 200  # of them at most
_DISORDER = 10.0  # seconds by which a line may be older than one before it, where several processes write


def first_moment(source: Source) -> float | None:
    """When the first line of a log that says so was written."""
    try:
        return first_in(source.reader()(b"")[:_LOOK])
    except (OSError, Unreadable):
        return None


def first_in(data: bytes) -> float | None:
    """The time of the first line that has one."""
    return next(iter(_moments(data.split(b"\n", _LINES)[:_LINES])), None)


def last_in(data: bytes) -> float | None:
    """The time of the last line that has one."""
    return next(iter(_moments(reversed(data.rsplit(b"\n", _LINES)[-_LINES:]))), None)


def offset_since(source: Source, oldest: float) -> int | None:
    """Where in a plain log the lines from ``oldest`` on begin, or somewhat before; found by halving.

    Where no line says when it was written, it stays on the safe side, which is further to the front. None when
    the times do not rise, so that all of it has to be read.
    """
    low, high = 0, source.size  # all before low is older
    first = first_in(os.pread(source.descriptor, _LOOK, 0))
    if first is not None and first >= oldest:
        return 0
    at_low, at_high = float("-inf") if first is None else first, float("inf")
    while high - low > BLOCK:
        middle = (low + high) // 2
        data = os.pread(source.descriptor, _LOOK, middle)
        found = first_in(data.partition(b"\n")[2])
        if found is not None and not at_low - _DISORDER <= found <= at_high + _DISORDER:
            return None
        if found is not None and found < oldest - _DISORDER:
            low, at_low = middle, found
        else:
            high, at_high = middle, at_high if found is None else found
    return line_start(source, low)


def passed_since(data: bytes, cut: int, oldest: float) -> int | None:
    """How many bytes of a block to pass over, up to its first line from ``oldest`` on.

    All of them when its last line that says when it was written is older, None when no line says so.
    """
    newest = last_in(data[:cut])
    if newest is None:
        return None
    if newest < oldest - _DISORDER:
        return cut
    start, now = 0, time.time()
    while start < cut:
        end = data.find(b"\n", start, cut) + 1 or cut
        found = moment(data[start : min(end, start + 512)].decode("utf-8", "replace"), now)
        if found is not None and found >= oldest:
            return start
        start = end
    return cut


def offset_of_last(source: Source, lines: int, between: Callable[[], None]) -> tuple[int, int]:
    """Where the last ``lines`` lines of a plain log begin, and how many of them it has.

    ``between`` is called between blocks, and may raise.
    """
    position, seen = source.size, 0
    while position > 0:
        between()
        size = min(BLOCK, position)
        position -= size
        data = os.pread(source.descriptor, size, position)
        if position + size == source.size and not data.endswith(b"\n"):
            seen = 1  # the one that is being written
        seen += data.count(b"\n")
        if seen > lines:
            end = -1
            for _surplus in range(seen - lines):
                end = data.find(b"\n", end + 1)
            return position + end + 1, lines
    return 0, seen


def lines_of(source: Source, between: Callable[[], None]) -> int:
    """How many lines a compressed log has; what cannot be unpacked does not count.

    ``between`` is called between blocks, and may raise. Raises OSError.
    """
    count = 0
    try:
        for _offset, data, cut in blocks(source.reader(), 0, lambda: None):
            between()
            count += data.count(b"\n", 0, cut) or cut > 0
    except Unreadable:
        pass
    return count


def line_start(source: Source, position: int) -> int:
    """Where the first line from a position on begins; the position itself when that is far away."""
    if not position:
        return 0
    data = os.pread(source.descriptor, _LOOK, position - 1)
    return position + max(0, data.find(b"\n"))


def _moments(lines: Iterable[bytes]) -> Iterable[float]:
    now = time.time()
    for line in lines:
        found = moment(line[:512].decode("utf-8", "replace"), now)
        if found is not None:
            yield found
