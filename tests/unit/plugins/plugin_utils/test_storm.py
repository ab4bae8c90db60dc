# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storm brake: many red hosts at once are one cause, and the brake says which."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import (
    FAILED,
    HEALTHY,
    SICK,
    UNREACHABLE,
    Finding,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._storm import storm


def red(number: int, service: str, condition: str = "down", state: str = SICK) -> Finding:
    cause = {"service": service, "condition": condition, "message": f"{service}\nis gone"}
    return Finding(f"w{number}", state, "red", {"verdict": {"root_causes": [cause]}})


def fleet(green: int, *sick: Finding) -> list[Finding]:
    return [Finding(f"g{number}", HEALTHY, "", {}) for number in range(green)] + list(sick)


@pytest.mark.parametrize(
    ("green", "sick", "brakes"),
    [(5, 5, False), (4, 6, True), (0, 4, False), (0, 5, True), (1, 3, False), (100, 3, False)],
)
def test_more_than_the_limit_in_a_fleet_that_is_large_enough(green: int, sick: int, brakes: bool) -> None:
    hosts = fleet(green, *(red(number, "db") for number in range(sick)))
    assert bool(storm(hosts, "50%", 5)) is brakes


def test_it_names_what_most_of_them_share() -> None:
    hosts = fleet(1, *(red(number, "db") for number in range(7)), red(8, "web", "hung"))
    said = storm(hosts, "50%", 5)
    assert said.startswith("8 of 9 hosts are red at the same time (more than 50%).")
    assert "7 of them share the root cause db: down (db is gone)" in said
    assert "-e break_glass=true" in said


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        ([red(number, f"s{number}") for number in range(6)], "at most 1 of them share a root cause"),
        ([Finding(f"w{n}", UNREACHABLE, "no route", {}) for n in range(6)], "6 of them cannot be reached"),
        ([Finding(f"w{n}", FAILED, "no python", {}) for n in range(6)], "what they share is not known"),
    ],
)
def test_other_storms(findings: Any, words: str) -> None:
    assert words in storm(findings, "50%", 5)
