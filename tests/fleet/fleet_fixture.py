# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixture that makes fleets, for the test folders that import it into their conftest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fleet import Fleet


@pytest.fixture(name="fleet")
def make_fleet(tmp_path: Path) -> Iterator[Callable[[int], Fleet]]:
    """Make a fleet of so many hosts; its processes end with the test."""
    made: list[Fleet] = []

    def make(size: int = 1) -> Fleet:
        made.append(Fleet(tmp_path, size))
        return made[-1]

    yield make
    for each in made:
        each.close()
