# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of a block are worth a look: whole blocks are searched for words before any line is cut out."""

from __future__ import annotations

from typing import Iterable, Sequence, Tuple

from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import Pattern

Span = Tuple[int, int]  # of a line within a block, without its end of line


class Prefilter:
    """The words of all patterns. Those of patterns that ignore the case are looked for with all letters lowered."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._every_line = any(pattern.words is None for pattern in patterns)
        self._exact = _fewest(word for each in patterns if not each.fold for word in each.words or ())
        self._lowered = _fewest(word for each in patterns if each.fold for word in each.words or ())

    def lines(self, data: bytes, cut: int) -> list[Span]:
        """The lines in ``data[:cut]`` that contain a word, in order; all of them where a pattern has no words."""
        found: dict[int, int] = {}
        if self._every_line:
            return _all_lines(data, cut)
        for word in self._exact:
            _find(data, word, data, cut, found)
        if self._lowered:
            lowered = data.lower()
            for word in self._lowered:
                _find(lowered, word, data, cut, found)
        return sorted(found.items())


def _find(haystack: bytes, word: bytes, data: bytes, cut: int, found: dict[int, int]) -> None:
    position = haystack.find(word, 0, cut)
    while position >= 0:
        start = data.rfind(b"\n", 0, position) + 1
        end = data.find(b"\n", position, cut)
        end = cut if end < 0 else end
        found[start] = end
        position = haystack.find(word, end, cut)


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
