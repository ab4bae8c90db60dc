# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads logs once, and counts what matches; whatever happens to a log, what was found until then stays."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Any, Callable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._logs.family import Skipped, matching, open_family
from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import Pattern
from ansible_collections.toombos.incident.plugins.module_utils._logs.search import Search
from ansible_collections.toombos.incident.plugins.module_utils._logs.source import Source, Unreadable, blocks
from ansible_collections.toombos.incident.plugins.module_utils._logs.watch import Watch
from ansible_collections.toombos.incident.plugins.module_utils._logs.window import (
    first_moment,
    line_start,
    lines_of,
    offset_of_last,
    offset_since,
    passed_since,
)

_LARGE = 4 * 1024 * 1024  # bytes of a log from which it pays to learn what is rare in it


@dataclass(frozen=True)
class Log:
    """A log to read, with the service that writes it (or nothing) and what is harmless in it."""

    path: str
    service: str = ""
    baseline: tuple[re.Pattern[str], ...] = ()


@dataclass(frozen=True)
class Wish:
    """What to look for. ``since`` in seconds since the epoch; ``lines``: of each log only so many, the last ones.

    ``numbered``: lines are counted in files of up to so many bytes; ``largest``: of a file only so many bytes are read.
    """

    patterns: tuple[Pattern, ...]
    since: float | None = None
    lines: int | None = None
    rotated: bool = True
    follow: bool = False
    samples: int = 4
    signatures: int = 5
    numbered: int = 64 * 1024 * 1024
    largest: int = 4 * 1024 * 1024 * 1024


@dataclass(frozen=True)
class _Part:
    """What to read of a file: from where on, and how many of its first lines to pass over after unpacking.

    ``rising``: as far as is known, each line is as old as the one before it, or newer.
    """

    source: Source
    start: int
    skip: int
    rising: bool


class _Late(Exception):
    """The deadline has come."""


class _Enough(Exception):
    """A file is larger than what may be read of it."""


class Scan:
    """One run over some logs, by ``deadline`` (of the clock). ``tell`` is called now and then while it is at work."""

    def __init__(self, wish: Wish, clock: Clock, deadline: float, tell: Callable[[], None] = lambda: None) -> None:
        self.search = Search(wish.patterns, wish.samples, wish.since, clock, self._look_at_the_clock)
        self.files: list[dict[str, Any]] = []
        self.skipped: list[Skipped] = []
        self.unread: list[str] = []  # logs that the deadline left out
        self.complete = True
        self.wish = wish
        self._clock = clock
        self._deadline = deadline
        self._tell = tell
        self._seen: set[tuple[int, int]] = set()

    def run(self, logs: Sequence[Log]) -> None:
        """Read them all, in order."""
        self.unread, self.complete = [log.path for log in logs], False
        with Watch() as watch:
            try:
                for log in logs:
                    for path in matching(log.path):
                        self._read_log(path, log, watch)
                    self.unread.pop(0)
            except _Late:
                return
        self.complete = True

    def _read_log(self, path: str, log: Log, watch: Watch) -> None:
        self._look_at_the_clock()
        family = open_family(path, self.wish.rotated, self.wish.follow, first_moment)
        self.skipped += family.skipped
        try:
            for part in self._parts(self._unseen(family.sources)):
                self._read(part, log, watch)
        finally:
            for source in family.sources:
                os.close(source.descriptor)

    def _unseen(self, sources: Sequence[Source]) -> list[Source]:
        """Two wildcards, or two services, may name the same file."""
        fresh = []
        for source in sources:
            found = os.fstat(source.descriptor)
            if (found.st_dev, found.st_ino) not in self._seen:
                self._seen.add((found.st_dev, found.st_ino))
                fresh.append(source)
        return fresh

    def _parts(self, sources: Sequence[Source]) -> list[_Part]:
        """What is to be read of the files of a log."""
        oldest, left = self.wish.since, self.wish.lines
        chosen: list[_Part] = []
        for source in reversed(sources):
            if left == 0 or (oldest is not None and source.written < oldest):
                break  # it was written last before that, and so were all older ones
            start, skip, rising = 0, 0, True
            if oldest is not None and not source.packed:
                found = offset_since(source, oldest)
                start, rising = found or 0, found is not None
            if left is not None:
                if source.packed:
                    have = lines_of(source, self._look_at_the_clock)
                    skip, used = max(0, have - left), min(have, left)
                else:
                    begin, used = offset_of_last(source, left, self._look_at_the_clock)
                    start = max(start, begin)
                left -= used
            chosen.append(_Part(source, start, skip, rising))
        return chosen[::-1]

    def _read(self, part: _Part, log: Log, watch: Watch) -> None:
        source, start, notes = part.source, part.start, []
        if not source.packed and source.size - start > self.wish.largest:
            start = line_start(source, source.size - self.wish.largest)
            notes.append(f"only its last {source.size - start} bytes were read")
        numbered = not start and not part.skip and source.size <= self.wish.numbered
        entry: dict[str, Any] = {
            "path": source.path,
            "service": log.service,
            "size": source.size,
            "bytes": 0,
            "lines": 0 if numbered else None,
            "notes": notes,
        }
        self.files.append(entry)
        try:
            self.search.begin(source.path, log.baseline, watch)
            self._read_blocks(replace(part, start=start), entry)
            notes += _changes(source)
        except _Enough:
            notes.append(f"only its first {entry['bytes']} bytes, unpacked, were read")
        except (Unreadable, OSError) as error:
            why = str(error.strerror) if isinstance(error, OSError) else str(error)
            notes.append(f"not read to its end: {why}")
        except _Late:
            notes.append("not read to its end: the deadline has come")
            raise
        finally:
            self.search.end()

    def _read_blocks(self, part: _Part, entry: dict[str, Any]) -> None:
        source, skip, old = part.source, part.skip, False
        oldest = self.wish.since if part.rising else None
        tuned = source.size - part.start < _LARGE and not source.packed
        for offset, data, cut in blocks(source.reader(part.start), part.start, self._count_long):
            self._look_at_the_clock()
            if cut and not tuned:
                self.search.tune(data)
                tuned = True
            passed, skip = _lines(data, cut, skip) if skip else (0, 0)
            if oldest is not None and cut and not passed:
                found = passed_since(data, cut, oldest)
                # What does not say when it was written is as old as what stands before it.
                passed = (cut if old else 0) if found is None else found
                old = passed == cut
                oldest = oldest if old else None
            if passed and entry["lines"] is not None:
                entry["lines"] += data.count(b"\n", 0, passed) + (not data.endswith(b"\n", 0, passed))
            if passed < cut:
                entry["lines"] = self.search.block(offset + passed, data[passed:], cut - passed, entry["lines"])
            entry["bytes"] = offset + cut - part.start  # with what was passed over
            if entry["bytes"] > self.wish.largest:
                raise _Enough

    def _count_long(self) -> None:
        self.search.long_lines += 1

    def _look_at_the_clock(self) -> None:
        self._tell()
        if self._clock.monotonic() >= self._deadline:
            raise _Late


def _lines(data: bytes, cut: int, lines: int) -> tuple[int, int]:
    """How many bytes the first lines of a block have, and how many lines are still to be passed over after it."""
    end = 0
    while lines and end < cut:
        end = data.find(b"\n", end, cut) + 1 or cut
        lines -= 1
    return end, lines


def _changes(source: Source) -> list[str]:
    """What happened to a file while it was read."""
    notes = []
    if os.fstat(source.descriptor).st_size < source.size:
        notes.append("it was truncated while it was read")
    try:
        now, then = os.stat(source.path), os.fstat(source.descriptor)
        if (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino):
            notes.append("it was rotated while it was read")
    except OSError:
        notes.append("it was removed while it was read")
    return notes
