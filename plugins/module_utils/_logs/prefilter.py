# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of a block are worth a look: whole blocks are searched for words before any line is cut out."""

from __future__ import annotations

from typing import Iterable, Sequence, Tuple

from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import Pattern

Span = Tuple[int, int]  # of a line within a block, without its end of line


_FAST = 5  # bytes of a word up to which Python looks for it in the way that is faster in logs (measured, 3.11)
_RARE = 1 / 700  # of all bytes; a byte that is as rare is found faster, with every look at where it stands, than a word


class Prefilter:
    """The words of all patterns. Those of patterns that ignore the case are looked for with all letters lowered."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._every_line = any(pattern.words is None for pattern in patterns)
        self._exact = _fewest(word for each in patterns if not each.fold for word in each.words or ())
        self._lowered = _fewest(word for each in patterns if each.fold for word in each.words or ())
        # The part of a word that is looked for, where the word itself is not: where it begins, and its length.
        self._parts: dict[bytes, tuple[int, int]] = {}

    def tune(self, data: bytes) -> None:
        """Learn from the beginning of a log which part of a word is found fast in it."""
        self._parts = {}
        for words, text in ((self._exact, data), (self._lowered, data.lower())):
            for word in words:
                counts = [text.count(byte) for byte in word]
                if min(counts) < len(data) * _RARE:
                    self._parts[word] = counts.index(min(counts)), 1
                elif len(word) > _FAST:
                    places = range(len(word) - _FAST + 1)
                    self._parts[word] = min(places, key=lambda place: sum(counts[place : place + _FAST])), _FAST

    def lines(self, data: bytes, cut: int) -> list[Span]:
        """The lines in ``data[:cut]`` that contain a word, in order; all of them where a pattern has no words."""
        found: dict[int, int] = {}
        if self._every_line:
            return _all_lines(data, cut)
        for word in self._exact:
            self._find(data, word, data, cut, found)
        if self._lowered:
            lowered = data.lower()
            for word in self._lowered:
                self._find(lowered, word, data, cut, found)
        return sorted(found.items())

    def _find(self, haystack: bytes, word: bytes, data: bytes, cut: int, found: dict[int, int]) -> None:
        if word in self._parts:
            self._find_by_part(haystack, word, data, cut, found)
            return
        position = haystack.find(word, 0, cut)
        while position >= 0:
            end = data.find(b"\n", position, cut)
            if end < 0:
                end = cut
            found[data.rfind(b"\n", 0, position) + 1] = end
            position = haystack.find(word, end, cut)

    def _find_by_part(self, haystack: bytes, word: bytes, data: bytes, cut: int, found: dict[int, int]) -> None:
        before, length = self._parts[word]
        part = word[before : before + length]
        position, misses = haystack.find(part, 0, cut), 0
        while position >= 0:
            if not haystack.startswith(word, max(0, position - before)):
                misses += 1
                position = haystack.find(part, position + 1, cut)
                continue
            end = data.find(b"\n", position, cut)
            end = cut if end < 0 else end
            found[data.rfind(b"\n", 0, position) + 1] = end
            position = haystack.find(part, end, cut)
        if misses > cut * _RARE:
            del self._parts[word]  # it is not rare any more


def _all_lines(data: bytes, cut: int) -> list[Span]:
    spans, start = [], 0
    while start < cut:
        end = data.find(b"\n", start, cut)
        end = cut if end < 0 else end
        spans.append((start, end))
        start = end + 1
    return spans


def _fewest(words: Iterable[bytes]) -> tuple[bytes, ...]:
    """Without those that contain another one."""
    every = tuple(dict.fromkeys(words))
    return tuple(word for word in every if not any(other in word and other != word for other in every))
