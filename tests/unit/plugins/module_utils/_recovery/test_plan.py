# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From condition to steps: the table of cures, and what must never be planned."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import ManagerState
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.module_utils._recovery.plan import CURES, Wishes, make_plan

RUNNING = ManagerState(True, manager.RUNNING, 10)
STOPPED = ManagerState(True, manager.STOPPED)
GIVEN_UP = ManagerState(True, manager.FAILED)
GONE = ManagerState(False, manager.UNKNOWN)
MAIN = Process(10, 1, 100, "S", ("serve", "web"), "/usr/bin/serve", "/srv", 1000)
GOOD = {"fallback": "web-000007, known good since noon"}

TABLE = {
    t.HEALTHY: (RUNNING, []),
    t.STARTING: (RUNNING, ["wait_ready", "verify"]),
    t.BLOCKED: (RUNNING, ["wait_ready", "verify"]),
    t.DOWN: (STOPPED, ["start", "wait_ready", "verify"]),
    t.FAILED: (GIVEN_UP, ["start", "wait_ready", "verify"]),
    t.MANAGER_GONE: (GONE, ["start", "wait_ready", "verify"]),
    t.CRASH_LOOP: (RUNNING, ["stop", "start", "wait_ready", "verify"]),
    t.HUNG: (RUNNING, ["stop", "start", "wait_ready", "verify"]),
    t.FAILING: (RUNNING, ["stop", "start", "wait_ready", "verify"]),
    t.ORPHAN: (STOPPED, ["end_processes", "start", "wait_ready", "verify"]),
    t.SPLIT_BRAIN: (RUNNING, ["end_processes", "wait_ready", "verify"]),
    t.WORKER_DEAD: (RUNNING, ["stop", "start", "wait_ready", "verify"]),
    t.DEGRADED: (RUNNING, ["stop", "start", "wait_ready", "verify"]),
    t.ZOMBIE: (RUNNING, ["stop", "start", "wait_ready", "verify"]),
    t.DELETED: (RUNNING, ["stop", "start", "wait_ready", "verify"]),
    t.WRONG_USER: (RUNNING, ["stop", "start", "wait_ready", "verify"]),
    t.WRONG_SERVICE: (RUNNING, ["stop", "start", "wait_ready", "verify"]),
    t.FOREIGN: (STOPPED, ["refuse"]),
    t.BAD_CONFIG: (GIVEN_UP, ["refuse"]),
    t.UNKNOWN: (GONE, ["refuse"]),
}


def plan(build: Any, condition: str, state: ManagerState, seen: Any = None, **more: Any) -> t.Plan:
    service = build.service("web", **more.pop("service", {}))
    catalogue = build.catalogue(service)
    view = {"web": seen or t.Observation(manager=state, own=(build.process(20),), **more.pop("view", {}))}
    found = {"web": t.Diagnosis("web", condition, "because")}
    return make_plan(catalogue, view, found, Wishes(frozenset({"web"}), **more))


@pytest.mark.parametrize("condition", TABLE)
def test_cure(build: Any, condition: str) -> None:
    state, steps = TABLE[condition]
    assert [step.step for step in plan(build, condition, state).steps] == steps


@pytest.mark.parametrize("state", [manager.FROZEN, manager.PARTIAL])
@pytest.mark.parametrize("tier", ["application", "observability"])
def test_a_start_resumes_what_its_manager_keeps(build: Any, state: str, tier: str) -> None:
    kept = ManagerState(True, state, 10)
    condition = t.HUNG if state == manager.FROZEN else t.DEGRADED
    steps = plan(build, condition, kept, service={"tier": tier}).steps
    assert [step.step for step in steps] == ["start", "wait_ready", "verify"]
    forced = plan(build, condition, kept, service={"tier": tier}, forced=frozenset({"web"})).steps
    assert [step.step for step in forced] == ["start", "wait_ready", "verify"]


def test_every_condition_has_a_cure_or_a_refusal() -> None:
    assert set(CURES) | {t.FOREIGN, t.BAD_CONFIG, t.UNKNOWN} == set(TABLE)


@pytest.mark.parametrize(
    ("condition", "more", "steps"),
    [
        (t.WRONG_USER, {"attempts": {"web": 1}}, ["refuse"]),
        (t.WRONG_SERVICE, {"attempts": {"web": 1}}, ["refuse"]),
        (t.HUNG, {"view": {"absent": ("/srv/app",)}}, ["refuse"]),
        (t.DELETED, {"view": {"absent": ("/srv/app",)}}, ["refuse"]),
        (t.SPLIT_BRAIN, {"view": {"keepers": {20: "web.service"}}}, ["refuse"]),
        (t.WRONG_USER, {"view": {"misowned": ("a process",)}}, ["refuse"]),
        (t.HUNG, {"service": {"tier": "observability"}}, ["refuse"]),
        (t.DOWN, {"service": {"tier": "observability"}}, ["start", "wait_ready", "verify"]),
        (t.DOWN, {"view": {"config_error": "bad"}}, ["refuse"]),
        (t.DOWN, {"attempts": {"web": 2}}, ["refuse"]),
        (t.DOWN, {"attempts": {"web": 1}}, ["start", "wait_ready", "verify"]),
        (t.DOWN, {"exhausted": {"web": "used up until noon"}}, ["refuse"]),
        (t.DOWN, {"view": {"temp_entries": 2}}, ["clear_temp", "start", "wait_ready", "verify"]),
        (t.HEALTHY, {"forced": frozenset({"web"})}, ["stop", "start", "wait_ready", "verify"]),
        (t.FOREIGN, {"forced": frozenset({"web"})}, ["refuse"]),
        (t.BAD_CONFIG, {"forced": frozenset({"web"})}, ["refuse"]),
        (t.HEALTHY, {"forced": frozenset({"web"}), "view": {"config_error": "bad"}}, ["refuse"]),
        # The next rung of the ladder: where the configuration is rejected, or where restarts did not help.
        (t.BAD_CONFIG, {"view": GOOD}, ["roll_back_config"]),
        (t.BAD_CONFIG, {"view": GOOD, "barred": {"web": "frozen"}}, ["refuse"]),
        (t.BAD_CONFIG, {"view": GOOD, "exhausted": {"web": "used up"}}, ["refuse"]),
        (t.BAD_CONFIG, {"view": {**GOOD, "managed": (MAIN,)}}, ["roll_back_config"]),
        (t.BAD_CONFIG, {"view": {**GOOD, "managed": (MAIN,)}, "service": {"tier": "observability"}}, ["refuse"]),
        (t.BAD_CONFIG, {"view": GOOD, "service": {"tier": "observability"}}, ["roll_back_config"]),
        (t.FAILING, {"view": GOOD, "attempts": {"web": 1}}, ["stop", "start", "wait_ready", "verify"]),
        (t.FAILING, {"view": GOOD, "attempts": {"web": 2}}, ["roll_back_config"]),
        (t.FOREIGN, {"view": GOOD, "attempts": {"web": 2}}, ["refuse"]),
        (t.WRONG_USER, {"view": GOOD, "attempts": {"web": 1}}, ["refuse"]),
        (t.HEALTHY, {"forced": frozenset({"web"}), "service": {"tier": "observability"}}, ["refuse"]),
    ],
)
def test_restraint(build: Any, condition: str, more: Any, steps: list[str]) -> None:
    state = STOPPED if condition == t.DOWN else RUNNING
    assert [step.step for step in plan(build, condition, state, **more).steps] == steps


def test_what_is_out_of_scope_is_not_planned_for(build: Any) -> None:
    catalogue = build.catalogue(build.service("web"))
    view = {"web": t.Observation(manager=STOPPED)}
    found = {"web": t.Diagnosis("web", t.DOWN, "")}
    assert make_plan(catalogue, view, found, Wishes(frozenset())).steps == ()


def test_the_hash_is_of_the_steps_and_not_of_the_words(build: Any) -> None:
    first = plan(build, t.DOWN, STOPPED)
    other = t.Plan(tuple(t.Step(step.step, step.service, "said differently") for step in first.steps))
    assert other.hash == first.hash
    assert plan(build, t.HUNG, RUNNING).hash != first.hash
    assert first.changes
    assert not plan(build, t.BLOCKED, RUNNING).changes
