# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads logs once, and counts what matches; whatever happens to a log, what was found until then stays."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Callable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._logs.family import Skipped, matching, open_family
from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import Pattern
from ansible_collections.toombos.incident.plugins.module_utils._logs.prefilter import Prefilter
from ansible_collections.toombos.incident.plugins.module_utils._logs.source import LONGEST, Source, Unreadable, blocks
from ansible_collections.toombos.incident.plugins.module_utils._logs.stamps import moment
from ansible_collections.toombos.incident.plugins.module_utils._logs.tally import Tally
from ansible_collections.toombos.incident.plugins.module_utils._logs.watch import TooCostly, Watch
from ansible_collections.toombos.incident.plugins.module_utils._logs.window import (
    first_moment,
    lines_of,
    offset_of_last,
    offset_since,
    passed_since,
)

_AROUND = 4096  # bytes before a line in which the time of it is looked for
_LARGE = 4 * 1024 * 1024  # bytes of a log from which it pays to learn what is rare in it
_OFTEN = 200  # lines between two looks at the clock


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


class _Late(Exception):
    """The deadline has come."""


class _Enough(Exception):
    """A file is larger than what may be read of it."""


class Scan:
    """One run over some logs, by ``deadline`` (of the clock). ``tell`` is called now and then while it is at work."""

    def __init__(self, wish: Wish, clock: Clock, deadline: float, tell: Callable[[], None] = lambda: None) -> None:
        self.tallies = [Tally(pattern, wish.samples) for pattern in wish.patterns]
        self.files: list[dict[str, Any]] = []
        self.skipped: list[Skipped] = []
        self.unread: list[str] = []  # logs that the deadline left out
        self.complete = True
        self.harmless = self.long_lines = self.costly_lines = 0
        self.wish = wish
        self._clock = clock
        self._deadline = deadline
        self._tell = tell
        self._prefilter = Prefilter(wish.patterns)
        self._before = b""  # the end of the block before, of the same file
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
            for source, start, skip in self._begin(self._unseen(family.sources)):
                self._read(source, start, skip, log, watch)
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

    def _begin(self, sources: Sequence[Source]) -> list[tuple[Source, int, int]]:
        """What to read: the sources, where in them, and how many lines of what is unpacked to pass over."""
        oldest, left = self.wish.since, self.wish.lines
        chosen: list[tuple[Source, int, int]] = []
        for source in reversed(sources):
            if left == 0 or (oldest is not None and source.written < oldest):
                break  # it was written last before that, and so were all older ones
            start = skip = 0
            if oldest is not None and not source.packed:
                start = offset_since(source, oldest)
            if left is not None:
                if source.packed:
                    have = lines_of(source, self._look_at_the_clock)
                    skip, used = max(0, have - left), min(have, left)
                else:
                    begin, used = offset_of_last(source, left)
                    start = max(start, begin)
                left -= used
            chosen.append((source, start, skip))
        return chosen[::-1]

    def _read(self, source: Source, start: int, skip: int, log: Log, watch: Watch) -> None:
        self._before = b""
        notes: list[str] = []
        if not source.packed and source.size - start > self.wish.largest:
            start = source.size - self.wish.largest
            notes.append(f"only its last {self.wish.largest} bytes were read")
        numbered = not start and not skip and source.size <= self.wish.numbered
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
            self._read_blocks(source, start, skip, log, watch, entry)
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
            for tally in self.tallies:
                tally.end_file(source.path)

    def _read_blocks(
        self, source: Source, start: int, skip: int, log: Log, watch: Watch, entry: dict[str, Any]
    ) -> None:
        oldest = self.wish.since
        tuned = source.size - start < _LARGE and not source.packed
        for offset, data, cut in blocks(source.reader(start), start, self._count_long):
            if not tuned:
                self._prefilter.tune(data)
                tuned = True
            self._look_at_the_clock()
            passed, skip = _lines(data, cut, skip) if skip else (0, 0)
            if oldest is not None and not passed:
                passed = passed_since(data, cut, oldest)
                oldest = oldest if passed == cut else None
            if passed and entry["lines"] is not None:
                entry["lines"] += data.count(b"\n", 0, passed)
            if passed < cut:
                self._search(source.path, offset + passed, data[passed:], cut - passed, log, watch, entry)
            entry["bytes"] += cut
            if entry["bytes"] > self.wish.largest:
                raise _Enough

    def _search(
        self, path: str, offset: int, data: bytes, cut: int, log: Log, watch: Watch, entry: dict[str, Any]
    ) -> None:
        counted, lines = 0, entry["lines"]
        last: dict[Tally, int] = {}
        for index, (start, end) in enumerate(self._prefilter.lines(data, cut)):
            if index % _OFTEN == _OFTEN - 1:
                self._look_at_the_clock()
            line = data[start : min(end, start + LONGEST)]
            self.long_lines += end - start > LONGEST
            if lines is not None:
                lines += data.count(b"\n", counted, start)
                counted = start
            for tally in self._matches(line, log.baseline, watch):
                tally.add(path, offset + start, None if lines is None else lines + 1, line)
                last[tally] = end
                if tally.in_file == 1:
                    tally.remember(self._around(data, end))
        for tally, end in last.items():
            tally.remember(self._around(data, end))
        if lines is not None:
            entry["lines"] = lines + data.count(b"\n", counted, cut) + (not data.endswith(b"\n", 0, cut))
        self._before = data[max(0, cut - _AROUND) : cut]

    def _around(self, data: bytes, end: int) -> bytes:
        """The line that ends there, with what stands before it."""
        start = max(0, end - 2 * _AROUND)
        return data[start:end] if start else self._before + data[:end]

    def _matches(self, line: bytes, baseline: Sequence[re.Pattern[str]], watch: Watch) -> list[Tally]:
        """Those of the patterns that match, unless the line is harmless, or too old."""
        text = line.decode("utf-8", "replace")
        try:
            found = [tally for tally in self.tallies if watch.search(tally.pattern.regex, text)]
            if found and any(watch.search(harmless, text) for harmless in baseline):
                self.harmless += 1
                return []
        except TooCostly:
            self.costly_lines += 1
            return []
        if found and self.wish.since is not None:
            written = moment(text, self._clock.wall())
            if written is not None and written < self.wish.since:
                return []
        return found

    def _count_long(self) -> None:
        self.long_lines += 1

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
