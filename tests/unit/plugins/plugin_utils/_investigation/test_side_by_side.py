# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts side by side: the first errors of a fleet in order, and where hosts do not agree."""

from __future__ import annotations

from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.side_by_side import (
    differences,
    epoch,
    first_errors,
    iso,
)


def at(world: Any, minute: int, text: str = "ERROR x") -> dict[str, Any]:
    logs: dict[str, Any] = world.logs(text, errors=2)
    late = {"path": "/var/log/web.log", "time": f"2026-11-23T14:{minute + 1:02d}:00Z", "text": "later"}
    logs["patterns"]["errors"]["samples"][0]["time"] = f"2026-11-23T14:{minute:02d}:00Z"
    logs["patterns"]["errors"]["samples"].insert(0, late)
    return logs


def test_the_first_error_of_each_host_in_order(world: Any) -> None:
    well = world.assessment()
    fleet = world.fleet({"w1": (well, at(world, 30)), "w2": (well, at(world, 10, "ERROR y")), "w3": (well, None)})
    told = [(each.time[11:16], each.host, each.service, each.pattern, each.text) for each in first_errors(fleet)]
    assert told == [("14:10", "w2", "web", "errors", "ERROR y"), ("14:30", "w1", "web", "errors", "ERROR x")]


def test_a_pattern_whose_samples_tell_no_time_has_its_own(world: Any) -> None:
    logs = world.logs("ERROR z", errors=1)
    logs["patterns"]["errors"]["samples"][0]["time"] = None
    (event,) = first_errors(world.fleet({"w1": (world.assessment(), logs)}))
    assert (event.time, event.text) == ("2026-11-23T14:45:54Z", "ERROR z")
    logs["patterns"]["errors"]["first_seen"] = "yesterday"
    assert first_errors(world.fleet({"w1": (world.assessment(), logs)})) == ()


def test_hosts_that_do_not_agree(world: Any) -> None:
    hosts = {"w1": world.assessment(web="hung"), "w2": world.assessment(), "w3": world.assessment(), "w4": world.failed}
    (only,) = differences(world.fleet(hosts))
    assert (only.service, dict(only.hosts)) == ("web", {"hung": ("w1",), "healthy": ("w2", "w3")})
    assert differences(world.fleet({"w2": world.assessment(), "w3": world.assessment()})) == ()


def test_moments() -> None:
    assert iso(epoch("2026-11-23T14:45:54Z") or 0) == "2026-11-23T14:45:54Z"
    assert epoch("soon") is None
