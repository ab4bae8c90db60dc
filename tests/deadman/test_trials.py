# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred deadlines whose setter is gone: each action happens, once, and in time."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starting import WAYS, Set, Starters

from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.deadline import call_off, extend, status

LATE = 2.0
TRIALS = int(os.environ.get("DEADMAN_TRIALS", "300"))
AT_ONCE = 6

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def late(made: Set) -> float:
    """How long after the deadline it happened."""
    (at,) = made.acted()
    return at - made.until


def test_every_action_happens_once_and_in_time(starters: Starters) -> None:
    def trial(number: int) -> Set:
        return starters.set(f"t{number:03d}", WAYS[number % len(WAYS)], 1.0 + number % 3)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = list(pool.map(trial, range(TRIALS)))
    starters.until_gone()
    delays = sorted(map(late, made))
    longest = max(each.took for each in made)
    print(f"{len(delays)} trials, late by {delays[0]:.3f} … {delays[-1]:.3f} s; set within {longest:.1f} s")
    assert delays[0] >= -0.05
    assert delays[-1] <= LATE
    for each in made:
        seen = status(each.directory, each.token)
        assert (seen.state, seen.outcome is not None and seen.outcome.ok) == (t.FIRED, True)


@pytest.mark.parametrize("way", WAYS)
def test_called_off_in_time_it_never_happens(starters: Starters, way: str) -> None:
    made = starters.set("off", way, 1.5)
    assert call_off(made.directory, made.token) is True
    starters.until_gone()
    assert made.acted() == []


@pytest.mark.parametrize("way", WAYS)
def test_an_extension_holds(starters: Starters, way: str) -> None:
    made = starters.set("on", way, 2.0)
    assert extend(made.directory, made.token, 4.0) is True
    starters.until_gone()
    (at,) = made.acted()
    assert 1.0 < at - made.until <= 2.0 + LATE + 2.0


@as_root
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="needs an interpreter that everybody may execute")
@pytest.mark.parametrize("way", WAYS)
def test_a_user_without_privileges_can_set_them_as_well(starters: Starters, way: str) -> None:
    made = starters.set("nobody", way, 1.0, user="nobody")
    starters.until_gone()
    assert late(made) <= LATE
    assert made.path.owner() == "nobody"
