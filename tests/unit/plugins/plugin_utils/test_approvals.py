# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An approval that no longer fits says what has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._approvals import differences, directory, remember
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import SICK, Finding, Rollout, plan_rollout


def rollout(**hosts: list[str]) -> Rollout:
    findings = [
        Finding(host, SICK, "red", {"plan": [{"step": step, "service": "web"} for step in steps]})
        for host, steps in hosts.items()
    ]
    return plan_rollout(findings, 1, ["100%"])


def test_every_difference_is_named(tmp_path: Path) -> None:
    old = rollout(w1=["start"], w2=["stop", "start"], w3=["start"])
    remember(str(tmp_path / "plans"), old)
    new = rollout(w2=["start", "end_processes"], w3=["start"], w4=["start"])
    assert differences(str(tmp_path / "plans"), old.plan_hash, new) == (
        "w1 needs nothing any more; w4 needs a recovery now, too; "
        "w2: now also end_processes web; w2: no longer stop web"
    )


def test_a_long_story_is_cut(tmp_path: Path) -> None:
    old = rollout(**{f"w{number}": ["start"] for number in range(15)})
    remember(str(tmp_path), old)
    assert differences(str(tmp_path), old.plan_hash, rollout()).endswith("; and 5 more")


@pytest.mark.parametrize("content", ["", "[]", '{"w1": 1}'])
def test_what_is_not_known_is_not_made_up(tmp_path: Path, content: str) -> None:
    (tmp_path / "0123456789abcdef.json").write_text(content)
    assert "not known on this controller" in differences(str(tmp_path), "0123456789abcdef", rollout())


def test_a_hash_is_no_path(tmp_path: Path) -> None:
    assert "is not the hash of a plan" in differences(str(tmp_path), "../../etc/passwd", rollout())


def test_only_so_many_plans_are_kept_and_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    for number in range(120):
        remember(str(tmp_path), rollout(**{f"w{number}": ["start"]}))
    assert len(os.listdir(tmp_path)) == 100
    (tmp_path / "file").write_text("")
    remember(str(tmp_path / "file"), rollout(w1=["start"]))


def test_where_plans_are_kept() -> None:
    assert directory({"HOME": "/home/a"}) == "/home/a/.local/state/toombos-incident/plans"
    assert directory({"HOME": "/home/a", "XDG_STATE_HOME": "/s"}) == "/s/toombos-incident/plans"
