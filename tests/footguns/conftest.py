# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet for every test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "fleet"))

from fleet import Fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Callable[[int], Fleet]]:
    """Make a fleet of so many hosts; its processes end with the test."""
    made: list[Fleet] = []

    def make(size: int = 1) -> Fleet:
        made.append(Fleet(tmp_path, size))
        return made[-1]

    yield make
    for each in made:
        each.close()
