# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More lines than fit into memory are sorted all the same, and all of them are there."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.big_sort import sort_lines


@pytest.mark.parametrize(("run", "width"), [(1 << 20, 64), (2000, 3), (1, 2)])
def test_all_lines_come_in_order_and_nothing_stays(tmp_path: Path, run: int, width: int) -> None:
    source = random.Random(1)
    numbers = [source.choice([0, -1, 1, -(10**24), 10**24, source.randrange(-(10**16), 10**16)]) for _n in range(300)]
    lines = [(number, b"%d %d" % (number, source.randrange(4))) for number in numbers]
    lines += lines[:20]
    assert list(sort_lines(iter(lines), str(tmp_path), run, width)) == [line for _number, line in sorted(lines)]
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_read_to_its_end_leaves_nothing(tmp_path: Path) -> None:
    sorting = sort_lines(((number, b"x") for number in range(1000)), str(tmp_path), 100, 4)
    next(sorting)
    assert [os.stat(path).st_mode & 0o777 for path in tmp_path.iterdir()] == [0o700]
    sorting.close()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_nothing(tmp_path: Path) -> None:
    assert list(sort_lines(iter(()), str(tmp_path))) == []


def test_no_more_files_are_open_than_are_merged_at_once(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    sorting = sort_lines(((number, b"x") for number in range(200)), str(tmp_path), 1, 5)
    assert max(len(os.listdir("/proc/self/fd")) - before for _line in sorting) <= 5
