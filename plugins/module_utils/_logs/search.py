# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the lines that match, block after block of a log; most lines are never cut out of their block."""

from __future__ import annotations

import re
from typing import Callable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import Pattern
from ansible_collections.toombos.incident.plugins.module_utils._logs.prefilter import Prefilter, Span
from ansible_collections.toombos.incident.plugins.module_utils._logs.source import LONGEST
from ansible_collections.toombos.incident.plugins.module_utils._logs.stamps import moment
from ansible_collections.toombos.incident.plugins.module_utils._logs.tally import Tally
from ansible_collections.toombos.incident.plugins.module_utils._logs.watch import TooCostly, Watch
from ansible_collections.toombos.incident.plugins.module_utils._logs.window import last_in

_AROUND = 4096  # bytes before a line in which the time of it is looked for
_OFTEN = 200  # lines between two looks at the clock


class Search:
    """What was found until now, of all files.

    ``since``: older lines do not count, in seconds since the epoch. ``pause`` is called every now and then, and may
    raise; what was found before counts.
    """

    def __init__(
        self,
        patterns: Sequence[Pattern],
        samples: int,
        since: float | None,
        clock: Clock,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self.tallies = [Tally(pattern, samples) for pattern in patterns]
        self.harmless = self.long_lines = self.costly_lines = 0
        self._since = since
        self._clock = clock
        self._pause = pause
        self._prefilter = Prefilter(patterns)
        # Nothing is left to ask of a line that has one of the words.
        self._words_suffice = since is None and len(patterns) == 1 and patterns[0].plain
        self._path = ""
        self._baseline: Sequence[re.Pattern[str]] = ()
        self._watch = Watch()
        self._before = b""  # the end of the block before, of the same file

    def begin(self, path: str, baseline: Sequence[re.Pattern[str]], watch: Watch) -> None:
        """What comes now is of this file."""
        self._path, self._baseline, self._watch, self._before = path, baseline, watch, b""

    def end(self) -> None:
        """The file is over."""
        for tally in self.tallies:
            tally.end_file(self._path)

    def tune(self, data: bytes) -> None:
        """Learn from the beginning of a large log."""
        self._prefilter.tune(data)

    def block(self, offset: int, data: bytes, cut: int, before: int | None) -> int | None:
        """Whole lines, up to ``cut``, that begin at ``offset`` of the file.

        ``before``: how many lines of the file came before, None when they are not counted. Returns the same for
        the next block.
        """
        lines = _Lines(data, before)
        spans = self._prefilter.lines(data, cut)
        too_long = [span for span in spans if span[1] - span[0] > LONGEST]
        self.long_lines += len(too_long)
        if self._words_suffice and not self._baseline and not too_long:
            self._add(self.tallies[0], offset, data, spans, lines)
        else:
            self._sort(offset, data, spans, lines)
        end = data[max(0, cut - _AROUND) : cut]
        self._before = end if len(end) == _AROUND else (self._before + end)[-_AROUND:]
        return lines.until(cut)

    def _sort(self, offset: int, data: bytes, spans: Sequence[Span], lines: _Lines) -> None:
        done = 0
        while done < len(spans):
            # Once a line was costly, others may be.
            part = spans[done : done + (1 if self.costly_lines else _OFTEN)]
            done += len(part)
            found: dict[Tally, list[Span]] = {}
            for start, end in part:
                line = data[start : min(end, start + LONGEST)]
                for tally in self._of_line(line, data, start):
                    found.setdefault(tally, []).append((start, end))
            for tally, matching in found.items():
                self._add(tally, offset, data, matching, lines)
            self._pause()

    def _add(self, tally: Tally, offset: int, data: bytes, spans: Sequence[Span], lines: _Lines) -> None:
        if not spans:
            return
        if not tally.in_file:
            tally.remember(self._around(data, spans[0][1]))
        tally.add(self._path, offset, data, spans, lines.number)
        tally.remember(self._around(data, spans[-1][1]))

    def _of_line(self, line: bytes, data: bytes, start: int) -> list[Tally]:
        """Those of the patterns that match, unless the line is harmless, or too old."""
        try:
            found = self._matching(line)
            if found and self._baseline:
                text = line.decode("utf-8", "replace")
                if any(self._watch.search(harmless, text) for harmless in self._baseline):
                    self.harmless += 1
                    return []
        except TooCostly:
            self.costly_lines += 1
            return []
        return [] if found and self._is_too_old(line, data, start) else found

    def _matching(self, line: bytes) -> list[Tally]:
        found: list[Tally] = []
        lowered = text = None
        for tally in self.tallies:
            pattern = tally.pattern
            if pattern.words is not None:
                if pattern.fold and lowered is None:
                    lowered = line.lower()
                if not _has(line if lowered is None or not pattern.fold else lowered, pattern.words):
                    continue
            if not pattern.plain:
                if text is None:
                    text = line.decode("utf-8", "replace")
                if not self._watch.search(pattern.regex, text):
                    continue
            found.append(tally)
        return found

    def _is_too_old(self, line: bytes, data: bytes, start: int) -> bool:
        if self._since is None:
            return False
        written = moment(line[:_AROUND].decode("utf-8", "replace"), self._clock.wall())
        if written is None:  # it has the time of the one before it
            written = last_in(self._around(data, start))
        return written is not None and written < self._since

    def _around(self, data: bytes, end: int) -> bytes:
        """What ends there, with what stands before it."""
        start = max(0, end - 2 * _AROUND)
        return data[start:end] if start else self._before + data[:end]


class _Lines:
    """Numbers of lines in a block. Asked for in order they cost one look at each byte."""

    def __init__(self, data: bytes, before: int | None) -> None:
        self._data = data
        self._before = before
        self._counted = self._seen = 0

    def number(self, start: int) -> int | None:
        """Of the line that begins there, from 1."""
        if self._before is None:
            return None
        if start < self._counted:
            self._counted = self._seen = 0
        self._seen += self._data.count(b"\n", self._counted, start)
        self._counted = start
        return self._before + self._seen + 1

    def until(self, cut: int) -> int | None:
        """How many lines of the file there are up to there, also one without an end."""
        number = self.number(cut)
        return None if number is None else number - self._data.endswith(b"\n", 0, cut)


def _has(line: bytes, words: Sequence[bytes]) -> bool:
    for word in words:  # noqa: SIM110 - any() with a generator takes three times as long
        if word in line:
            return True
    return False
