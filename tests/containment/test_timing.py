# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection of management is not felt to stop, those of others do. What is asserted is generous: see timing.py."""

from __future__ import annotations

import pytest
from neighbourhood import Neighbourhood
from timing import HEAD, RUNS, measure
from victim import BACKENDS


@pytest.mark.parametrize(("name", "runs"), zip(BACKENDS, (RUNS, 5, 5), strict=True))
def test_management_goes_on_and_others_are_dead_at_once(
    neighbourhood: Neighbourhood, name: str, runs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = measure(neighbourhood, name, runs)
    with capsys.disabled():
        print(f"\nmanagement feels {figures.felt():+.1f} ms\n{HEAD}\n{figures.row(name)}")
    assert figures.felt() <= 100.0
    assert max(figures.alive) <= 1000.0
