# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast way finds the same lines as the slow one."""

from __future__ import annotations

import random

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import compile_pattern
from ansible_collections.toombos.incident.plugins.module_utils._logs.prefilter import Prefilter


def slowly(words: list[str], data: bytes) -> list[bytes]:
    """Lines with one of the words; the one that ignores the case begins with (?i)."""
    exact = [word.encode() for word in words if not word.startswith("(?i)")]
    folded = [word[4:].lower().encode() for word in words if word.startswith("(?i)")]
    return [
        line
        for line in data.split(b"\n")
        if any(word in line for word in exact) or any(word in line.lower() for word in folded)
    ]


@pytest.mark.parametrize("sample", [b"", b"e" * 5000, b"axb" * 5000 + b"e"], ids=["untuned", "rare", "frequent"])
@pytest.mark.parametrize("words", [["exe"], ["exe", "axe"], ["(?i)exe", "axe"], ["(?i)xex", "exea"], ["xxx"]])
def test_all_lines_with_a_word_and_no_others(words: list[str], sample: bytes) -> None:
    rng = random.Random(7)
    for _round in range(60):
        data = "".join(rng.choice("axeXEb\n") for _character in range(400)).encode()
        prefilter = Prefilter([compile_pattern(f"p{index}", word) for index, word in enumerate(words)])
        if sample:
            prefilter.tune(sample)
        for _again in range(2):  # what is not rare any more is forgotten after the first time
            found = [data[start:end] for start, end in prefilter.lines(data, len(data))]
            assert found == slowly(words, data)


def test_a_pattern_without_a_word_looks_at_every_line() -> None:
    prefilter = Prefilter([compile_pattern("a", "exe"), compile_pattern("b", r"\d{3}")])
    assert prefilter.lines(b"one\n\ntwo\nrest", 9) == [(0, 3), (4, 4), (5, 8)]


def test_a_block_ends_where_its_last_whole_line_does() -> None:
    prefilter = Prefilter([compile_pattern("a", "exe")])
    assert prefilter.lines(b"exe 1\nexe 2", 6) == [(0, 5)]
