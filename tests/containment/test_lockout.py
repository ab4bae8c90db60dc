# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred responders who forced a wrong list, each of whom is let in again in time, whatever becomes of the call."""

from __future__ import annotations

import collections
import os
import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lockout import WAYS, WINDOW, Common, Lost, Pair

TRIALS = int(os.environ.get("CONTAINMENT_TRIALS", "100"))
LATE = 2.0  # seconds after the deadline
AT_ONCE = 6


@pytest.fixture
def pairs(tmp_path: Path) -> Iterator[queue.Queue[Pair]]:
    """Those that nobody uses just now."""
    common = Common(tmp_path)
    made, free = [], queue.Queue[Pair]()
    for number in range(AT_ONCE):
        home = tmp_path / f"p{number}"
        home.mkdir()
        made.append(Pair(f"p{number}", common, home))
        free.put(made[-1])
    yield free
    for each in made:
        each.close()


def test_whoever_is_locked_out_is_let_in_again_in_time(
    pairs: queue.Queue[Pair], capsys: pytest.CaptureFixture[str]
) -> None:
    def trial(number: int) -> Lost:
        pair = pairs.get()
        try:
            # Each way with each packet filter; nftables, which is what hosts have, more often.
            backend = "iptables" if number // len(WAYS) % 4 == 3 else "nftables"
            return pair.lose(WAYS[number % len(WAYS)], f"t{number:03d}", backend)
        finally:
            pairs.put(pair)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        lost = list(pool.map(trial, range(TRIALS)))
    late = sorted(each.back - each.due for each in lost)
    ways = collections.Counter(each.way for each in lost)
    words = f"{len(lost)} let in again {late[0]:.2f} … {late[-1]:.2f} s after the deadline: {dict(ways)}"
    with capsys.disabled():
        print(f"\n{words}")
    assert [each for each in lost if not each.due - WINDOW <= each.cut < each.due] == [], "it was never cut"
    assert [each for each in lost if not each.due <= each.back <= each.due + LATE] == []
    assert [each.left for each in lost if each.left] == []
