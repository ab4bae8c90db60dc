# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incident types: what fits, how severe it is, and what only a log says."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.symptoms import (
    read_types,
    suggested,
    symptoms,
)

TYPES = {
    "shop_down": {"title": "The shop is down", "severity": "p0", "services": ["web"], "conditions": ["down", "hung"]},
    "checkout": {"severity": "P1", "services": ["web"], "probes": ["checkout"]},
    "slow": {"severity": "P2", "slower_than": "2s"},
    "critical": {"severity": "P1", "slower_than": "5s"},
    "blind": {"severity": "P1", "tier": "observability"},
    "breach": {"severity": "P0", "patterns": ["security"]},
    "cut": {"severity": "P1", "unreachable": True},
    "default": {},
}


@pytest.mark.parametrize(
    ("told", "names", "severity"),
    [
        ({}, [], ""),
        ({"web": "hung"}, ["shop_down"], "P0"),
        ({"web": "failing"}, [], ""),
        ({"db": "down"}, [], ""),
        ({"metrics": "down"}, ["blind"], "P1"),
        ({"latency": 2.5}, ["slow"], "P2"),
        ({"latency": 5.5}, ["critical", "slow"], "P1"),
        ({"web": "failing", "probe": "checkout", "status": "fail"}, ["checkout"], "P1"),
        ({"web": "failing", "probe": "other", "status": "fail"}, [], ""),
        # An answer that never came is not a slow one.
        ({"web": "failing", "latency": 6.0, "status": "fail"}, [], ""),
        ({"logs": {"security": 3}}, ["breach"], ""),
        ({"web": "down", "logs": {"security": 3}}, ["shop_down", "breach"], "P0"),
        ({"gone": True}, ["cut"], "P1"),
    ],
)
def test_what_fits(world: Any, told: dict[str, Any], names: list[str], severity: str) -> None:
    check = world.check(
        status=told.get("status", "pass"), probe=told.get("probe", "live"), latency=told.get("latency", 0.01)
    )
    others = {name: told[name] for name in ("db", "metrics") if name in told}
    found = world.assessment(world.service("web", told.get("web", "healthy"), check), **others)
    fleet = world.fleet({"w1": (world.unreachable if "gone" in told else found, world.logs(**told.get("logs", {})))})
    fitting = symptoms(fleet, read_types(TYPES))
    assert ([each.type.name for each in fitting], suggested(fitting)) == (names, severity)
    assert all(each.to_dict()["evidence"] for each in fitting)


def test_an_empty_entry_takes_a_default_away() -> None:
    assert [each.name for each in read_types({"a": None, "b": {}, "slow": TYPES["slow"]})] == ["slow"]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("P1", "must be a mapping"),
        ({"severity": "P1", "service": ["web"]}, "knows no service"),
        ({"severity": "P9", "services": ["web"]}, "has no severity"),
        ({"services": ["web"]}, "has no severity"),
        ({"severity": "P1"}, "fits everything"),
        ({"severity": "P1", "slower_than": "soon"}, "'soon'"),
    ],
)
def test_entries_that_mean_nothing(entry: Any, problem: str) -> None:
    with pytest.raises(IncidentError, match=problem):
        read_types({"x": entry})
