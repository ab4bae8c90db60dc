# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sorts more lines than fit into memory: runs that fit, on disk, then all of them merged."""

from __future__ import annotations

import contextlib
import heapq
import os
import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO

_RUN = 16 << 20  # bytes of lines that are sorted in memory
_WIDTH = 64  # runs that are merged, and so open, at once
_LEVEL = 1 << 90  # makes every time that a file system knows, in microseconds, a positive number


def sort_lines(
    lines: Iterable[tuple[int, bytes]], folder: str | None, run: int = _RUN, width: int = _WIDTH
) -> Iterator[bytes]:
    """The lines by their number, those of the same number by their bytes. None is dropped, not even a second same one.

    ``folder``: where a private directory of about the size of all lines is made, and removed at the end; None means
    where the system has its temporary files. A line has no line feed in it. Raises OSError.
    """
    with tempfile.TemporaryDirectory(prefix=".sort-", dir=folder) as directory:
        runs = [_spill(sorted(batch), directory) for batch in _batches(lines, run)]
        while len(runs) > width:
            merged = _spill(_merged(runs[:width]), directory)
            for path in runs[:width]:
                os.unlink(path)
            runs = [*runs[width:], merged]
        for keyed in _merged(runs):
            yield keyed.split(b" ", 1)[1]


def _batches(lines: Iterable[tuple[int, bytes]], run: int) -> Iterator[list[bytes]]:
    """Each line behind its number, written so that the order of the bytes is that of the numbers."""
    batch: list[bytes] = []
    size = 0
    for number, line in lines:
        batch.append(b"%028d %s" % (number + _LEVEL, line))
        size += len(line) + 100  # what an object costs beside its bytes
        if size >= run:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _spill(keyed: Iterable[bytes], directory: str) -> str:
    handle, path = tempfile.mkstemp(dir=directory)
    with os.fdopen(handle, "wb") as file:
        file.writelines(b"%s\n" % line for line in keyed)
    return path


def _merged(paths: list[str]) -> Iterator[bytes]:
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(open(path, "rb")) for path in paths]
        yield from heapq.merge(*map(_lines, files))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    for line in file:
        yield line[:-1]
