# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was preserved before anything was changed, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._fleet import judge
from ansible_collections.toombos.incident.plugins.plugin_utils._preserved import preserved, with_evidence
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import plan_rollout

OPENED = {"incident": "INC-2026-1125-0001", "changed": True}
BAG = {"bag": "INC-2026-1125-0001-a-001", "changed": True}


def kept(mode: str = "wanted", opened: Any = "as it should be", reason: str = "", **captures: Any) -> Any:
    opened = OPENED if isinstance(opened, str) else opened
    return preserved({"mode": mode, "reason": reason}, dict.fromkeys(captures, opened), captures)


def test_what_was_captured_is_named_with_its_incident() -> None:
    found = kept(a=BAG)
    assert found.to_dict() == {
        "mode": "wanted",
        "incident": "INC-2026-1125-0001",
        "bags": ["INC-2026-1125-0001-a-001"],
        "missing": [],
    }
    assert (found.objection, found.notes) == ("", ("Evidence of 1 hosts is kept with INC-2026-1125-0001",))


@pytest.mark.parametrize(
    ("opened", "capture", "why"),
    [
        (OPENED, {"failed": True, "msg": "the disk is\nfull"}, "the disk is full"),
        (OPENED, {"unreachable": True, "msg": "no route"}, "it became unreachable"),
        (OPENED, {"failed": True, **BAG, "msg": "cut off"}, "cut off"),
        (OPENED, {"failed": True}, "it failed without a word"),
        (OPENED, {"skipped": True}, "it failed without a word"),
        (OPENED, None, "it was not captured"),
        ({"failed": True, "msg": "no space on the controller"}, None, "no space on the controller"),
        (None, None, "it was not captured"),
    ],
)
def test_what_is_not_a_verified_bag_is_missing_and_says_why(opened: Any, capture: Any, why: str) -> None:
    found = kept(opened=opened, a=capture)
    assert dict(found.missing) == {"a": why}
    assert found.notes == (f"a: there is no evidence of before: {why}",)


def test_only_where_it_is_required_nothing_may_be_changed_without() -> None:
    lost = {"failed": True, "msg": "full"}
    assert kept("wanted", a=BAG, b=lost).objection == ""
    assert kept("required", a=BAG).objection == ""
    objection = kept("required", a=BAG, b=lost).objection
    assert objection.startswith("evidence is required, and there is none of b (full).")
    assert "-e evidence=skip with a reason" in objection
    many = kept("required", **{f"h{number}": lost for number in range(9)}).objection
    assert "h2 (full) and 6 more" in many


def test_who_skips_it_is_quoted_whatever_was_captured() -> None:
    found = kept("skip", reason="the disk is full, alice", a=None)
    assert (found.notes, found.objection) == (("Evidence was skipped: the disk is full, alice",), "")
    assert found.to_dict()["missing"] == []


def test_the_verdict_says_it_to_people_and_to_machines() -> None:
    plain = judge(plan_rollout([], 1, [1]), {}, mode="recover")
    verdict = with_evidence(plain, kept(a=BAG, b=None))
    assert verdict.machine()["evidence"]["missing"] == ["b"]
    assert verdict.notes == (
        "Evidence of 1 hosts is kept with INC-2026-1125-0001",
        "b: there is no evidence of before: it was not captured",
    )
    assert plain.machine()["evidence"] == {}
