# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: a pure function of what was found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as r
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Assessment
from ansible_collections.toombos.incident.plugins.module_utils._release.plan import counted, make_plan, to_diff
from ansible_collections.toombos.incident.plugins.module_utils._release.services import is_better, said_of, sick
from ansible_collections.toombos.incident.plugins.module_utils._release.types import Difference, Release, Spec, Target

SPEC = Spec("git", "/opt/app", deploy=("./deploy.sh", "--token", "geheim-geheim"))
NOW = Release("new", "v2", detail={"branch": "main"}, state={"trees": [{"changed": ["a", "b"], "untracked": ["c"]}]})
CLEAN = Release("new", "v2", state={"trees": [{"changed": [], "untracked": []}]})


def words(current: Release, target: Target, spec: Spec = SPEC, interrupted: str = "") -> list[str]:
    return [step.step for step in make_plan(current, target, spec, ["main"], interrupted).steps]


@pytest.mark.parametrize(
    ("current", "target", "expected"),
    [
        (NOW, Target("old", "v1"), ["preserve", "switch", "deploy", "recover"]),
        (CLEAN, Target("old", "v1"), ["switch", "deploy", "recover"]),
        (CLEAN, Target("old", "v1", known=False), ["fetch", "switch", "deploy", "recover"]),
        (CLEAN, Target("new", "v2"), []),
        (replace(CLEAN, dirty=True), Target("new", "v2"), ["switch", "deploy", "recover"]),
        (replace(NOW, dirty=False), Target("new", "v2"), []),
    ],
)
def test_steps(current: Release, target: Target, expected: list[str]) -> None:
    assert words(current, target) == expected


def test_an_unfinished_rollback_is_undone_first_and_without_a_hook_nothing_is_deployed() -> None:
    assert words(CLEAN, Target("new", "v2"), interrupted="v1") == ["undo", "recover"]
    assert words(CLEAN, Target("old", "v1"), replace(SPEC, deploy=())) == ["switch", "recover"]


def test_for_people_and_without_secrets() -> None:
    target = Target("old", "v1")
    plan = make_plan(NOW, target, SPEC, ["main"])
    many = tuple(f"{number} subject" for number in range(23))
    diff = to_diff(NOW, target, Difference(many, 1, 5), plan)
    assert diff["before"] == "v2 on main, 2 changed and 1 untracked files\n"
    assert diff["after"] == "v1\n"
    assert "23 commits are undone, 1 are added, 5 files differ\n  undone: 0 subject" in diff["prepared"]
    assert diff["prepared"].endswith("and 3 more\n")
    assert "geheim" not in diff["prepared"]
    assert counted(CLEAN) == ""


def assessment(**conditions: str) -> Assessment:
    found = {name: r.Diagnosis(name, word, f"{name} says so") for name, word in conditions.items()}
    view: Any = r.HostView({}, ())
    return Assessment(tuple(found), view, found, r.Plan(()))


def test_better_is_less_sick_and_nothing_newly_sick() -> None:
    before = assessment(a=r.DOWN, b=r.FAILING, c=r.HEALTHY)
    assert sick(before) == {"a", "b"}
    assert said_of(before) == "a is down: a says so"
    assert is_better(before, assessment(a=r.HEALTHY, b=r.FAILING, c=r.HEALTHY))
    assert not is_better(before, assessment(a=r.HEALTHY, b=r.HEALTHY, c=r.DOWN))
    assert not is_better(before, before)
