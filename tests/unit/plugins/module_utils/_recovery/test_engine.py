# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery over a simulated host: order, restraint, attempts, honesty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ConfigSpec, Limits
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Engine, Recovery, Request
from ansible_collections.toombos.incident.plugins.module_utils._recovery.report import to_dict


def chain(build: Any, **changes: Any) -> Any:
    """db <- api <- web."""
    return build.catalogue(
        build.service("db", port=1),
        build.service("api", port=2, depends_on=("db",)),
        build.service("web", port=3, depends_on=("api",), **changes),
    )


def test_a_healthy_host_is_not_touched(build: Any, run: Any) -> None:
    world = build.world_of(chain(build))
    _recovery, result = run(world)
    assert world.events == []
    assert (result["changed"], result["recovered"], result["plan"], result["steps"]) == (False, True, [], [])
    assert result["msg"] == "all 3 services are healthy"


def test_all_down_starts_in_dependency_order_each_ready_before_the_next(build: Any, run: Any) -> None:
    world = build.world_of(chain(build), db=build.DOWN, api=build.DOWN, web=build.DOWN)
    ready: list[bool] = []
    world.on_start = lambda name: ready.append(
        all(world.clock.now >= world.actors[other].ready_at for other in world.catalogue.dependencies(name))
    )
    _recovery, result = run(world)
    assert world.mutations == ["start db", "start api", "start web"]
    assert ready == [True, True, True]
    assert result["recovered"]
    assert result["changed"]
    assert [service["action"] for service in result["services"]] == ["started"] * 3


def test_hung_services_stop_in_reverse_order_before_anything_starts(build: Any, run: Any) -> None:
    world = build.world_of(chain(build), db={"process_state": "T"}, web={"process_state": "T"})
    _recovery, result = run(world)
    assert world.mutations == ["stop web", "stop db", "start db", "start web"]
    assert result["recovered"]
    assert [service["action"] for service in result["services"]] == ["restarted", "none", "restarted"]


def test_a_blocked_dependent_recovers_without_being_restarted(build: Any, run: Any) -> None:
    world = build.world_of(chain(build), db=build.DOWN, web={"answers": False})
    world.on_start = lambda name: setattr(world.actors["web"], "answers", True)
    _recovery, result = run(world)
    assert world.mutations == ["start db"]
    assert result["services"][2]["before"]["condition"] == "blocked"
    assert result["recovered"]


def test_a_blocked_dependent_that_stays_red_is_restarted_next(build: Any, run: Any) -> None:
    world = build.world_of(chain(build), db=build.DOWN, web={"answers": False})
    _recovery, result = run(world)
    assert world.mutations == ["start db", "stop web", "start web"]
    assert result["recovered"]
    assert result["services"][2]["attempts"] == 1


def test_a_service_that_does_not_come_back_is_tried_as_often_as_allowed_and_then_reported(build: Any, run: Any) -> None:
    world = build.world_of(chain(build), api={**build.DOWN, "comes_back": False}, web=build.DOWN)
    _recovery, result = run(world)
    assert world.mutations == ["start api", "start api"]
    assert not result["recovered"]
    assert result["changed"], "tried is changed: the host is not as it was"
    assert result["verdict"]["root_cause"]["service"] == "api"
    api, web = result["services"][1], result["services"][2]
    assert (api["attempts"], api["condition"]) == (2, "failed")
    assert "after 2 attempts" in api["refusal"]
    assert "Escalate" in api["next"]
    assert web["attempts"] == 0
    skipped = [step for step in result["steps"] if step["service"] == "web"]
    assert {step["status"] for step in skipped} == {"skipped"}
    assert "needs api" in skipped[0]["message"]


def test_a_foreign_process_is_never_ended(build: Any, run: Any) -> None:
    world = build.world_of(chain(build), db={**build.DOWN, "stranger": 666})
    _recovery, result = run(world, force=True)
    assert not any("666" in event or "db" in event for event in world.mutations)
    assert not result["recovered"]
    cause = result["verdict"]["root_cause"]
    assert cause["condition"] == "foreign"
    assert "pid 666" in cause["message"]
    assert "by hand" in cause["next"]


def test_a_rejected_configuration_is_not_restarted_into(build: Any, run: Any) -> None:
    service = build.service("web", config=ConfigSpec(files=("/srv/.env",), validate=("check",)))
    world = build.world_of(
        build.catalogue(service), web={"state": manager.FAILED, "pid": None, "config_error": "PORT: bad"}
    )
    _recovery, result = run(world, force=True)
    assert world.mutations == []
    assert result["changed"] is False
    assert result["verdict"]["root_cause"]["condition"] == "bad_config"
    assert "/srv/.env" in result["verdict"]["root_cause"]["next"]


def test_a_serving_orphan_is_kept_when_its_configuration_would_not_start_again(build: Any, run: Any) -> None:
    service = build.service("web", config=ConfigSpec(validate=("check",)))
    sick = {**build.DOWN, "stray": 77, "config_error": "PORT: bad"}
    world = build.world_of(build.catalogue(service), web=sick)
    _recovery, result = run(world)
    assert world.mutations == []
    assert world.actors["web"].stray == 77
    assert "would not come back" in result["services"][0]["refusal"]


def test_an_orphan_is_ended_before_the_manager_starts_its_own(build: Any, run: Any) -> None:
    world = build.world_of(build.catalogue(build.service("web")), web={**build.DOWN, "stray": 77})
    _recovery, result = run(world)
    assert world.mutations == ["end 77", "start web"]
    assert result["services"][0]["action"] == "restarted"
    assert result["recovered"]


def test_an_observability_service_is_started_but_never_stopped(build: Any, run: Any) -> None:
    catalogue = build.catalogue(
        build.service("metrics", port=1, tier="observability"), build.service("logs", port=2, tier="observability")
    )
    world = build.world_of(catalogue, metrics={"process_state": "T"}, logs=build.DOWN)
    _recovery, result = run(world, force=True)
    assert world.mutations == ["start logs"]
    assert "never stopped" in result["services"][0]["refusal"]


def test_what_was_not_asked_for_is_left_alone_but_dependencies_are_included(build: Any, run: Any) -> None:
    world = build.world_of(chain(build), db=build.DOWN, web=build.DOWN)
    _recovery, result = run(world, "api")
    assert world.mutations == ["start db"]
    assert [service["name"] for service in result["services"]] == ["db", "api"]


def test_force_restarts_what_is_healthy_once(build: Any, run: Any) -> None:
    world = build.world_of(build.catalogue(build.service("web")))
    _recovery, result = run(world, force=True)
    assert world.mutations == ["stop web", "start web"]
    assert result["recovered"]


def test_restart_with_takes_a_healthy_dependent_along(build: Any, run: Any) -> None:
    world = build.world_of(chain(build, restart_with=("api",)), api={"process_state": "T"})
    run(world)
    assert world.mutations == ["stop web", "stop api", "start api", "start web"]


def test_a_failed_stop_keeps_its_start_from_happening(build: Any, run: Any) -> None:
    world = build.world_of(build.catalogue(build.service("web")), web={"process_state": "T", "refuses_stop": True})
    _recovery, result = run(world)
    assert world.mutations == ["stop web", "stop web"]
    assert not result["recovered"]


def test_the_manager_that_is_gone_is_reported_with_the_way_out(build: Any, run: Any) -> None:
    world = build.world_of(build.catalogue(build.service("web")), web={"available": False, "pid": None})
    _recovery, result = run(world)
    assert result["services"][0]["condition"] == "manager_gone"
    assert not result["recovered"]


def test_temp_paths_are_cleared_between_stop_and_start(build: Any, run: Any) -> None:
    world = build.world_of(build.catalogue(build.service("web", temp=("/tmp/web-work",))), web={"process_state": "T"})
    world.temp = 3
    run(world)
    assert world.mutations == ["stop web", "clear web", "start web"]


def test_the_restart_budget_is_remembered_across_runs(build: Any, run: Any, tmp_path: Path) -> None:
    service = build.service("web", limits=Limits(attempts=5, ready_timeout=5.0, restarts_per_hour=2))
    world = build.world_of(build.catalogue(service), web={**build.DOWN, "comes_back": False})
    brakes = build.brakes(tmp_path / "state", world.clock.wall)
    run(world, brakes=brakes)
    assert world.actors["web"].starts == 2
    _recovery, result = run(world, brakes=brakes)
    assert world.actors["web"].starts == 2
    assert "limit 2" in result["services"][0]["refusal"]
    assert "next try after" in result["services"][0]["refusal"]
    world.clock.now += 3700
    run(world, brakes=brakes)
    assert world.actors["web"].starts == 3, "half-open: one try, whatever its attempts"
    _recovery, result = run(world, brakes=brakes)
    assert world.actors["web"].starts == 3
    assert "the one try that was left has not helped" in result["services"][0]["refusal"]
    world.clock.now += 3700
    world.actors["web"].comes_back = True
    assert run(world, brakes=brakes)[1]["recovered"]
    world.actors["web"].state, world.actors["web"].pid = manager.STOPPED, None
    assert run(world, brakes=brakes)[1]["recovered"], "closed again"


def test_the_deadline_ends_everything(build: Any, run: Any) -> None:
    world = build.world_of(chain(build), db={**build.DOWN, "ready_after": 10000.0}, api=build.DOWN)
    began = world.clock.now
    _recovery, result = run(world)
    assert world.clock.now - began <= 301.0
    assert not result["recovered"]


def test_assessing_plans_the_same_and_changes_nothing(build: Any, tmp_path: Path) -> None:
    world = build.world_of(chain(build), db=build.DOWN)
    engine = Engine(world, world.catalogue, build.brakes(tmp_path, world.clock.wall))
    assessment = engine.assess(Request(world.catalogue.order, world.clock.now + 60))
    assert [(step.step, step.service) for step in assessment.plan.steps] == [
        ("start", "db"),
        ("wait_ready", "db"),
        ("verify", ""),
    ]
    assert world.mutations == []
    result = to_dict(world.catalogue, Recovery(assessment, assessment), applied=False)
    assert result["changed"] is True
    assert result["recovered"] is False
    assert list(tmp_path.iterdir()) == []


def test_force_does_not_restart_the_healthy_again_while_another_fails(build: Any, run: Any) -> None:
    catalogue = build.catalogue(build.service("web", port=1), build.service("api", port=2))
    world = build.world_of(catalogue, api={**build.DOWN, "comes_back": False})
    run(world, force=True)
    assert world.actors["web"].starts == 1
    assert world.actors["api"].starts == 2


def test_force_is_for_what_was_asked_for_not_for_what_it_needs(build: Any, run: Any) -> None:
    world = build.world_of(chain(build))
    run(world, "api", force=True)
    assert world.mutations == ["stop api", "start api"]


def test_a_serving_process_is_not_ended_because_its_manager_is_silent(build: Any, run: Any) -> None:
    world = build.world_of(build.catalogue(build.service("web")), web={"available": False, "pid": None, "stray": 77})
    result = run(world)[1]
    assert world.mutations == []
    assert result["services"][0]["condition"] == "unknown"


@pytest.mark.parametrize("how", ["force", "restart_with"])
def test_a_healthy_service_is_not_stopped_into_a_rejected_configuration(build: Any, run: Any, how: str) -> None:
    web = {"config": ConfigSpec(validate=("check",)), "restart_with": ("api",) if how == "restart_with" else ()}
    world = build.world_of(chain(build, **web), web={"config_error": "PORT: bad"})
    if how == "restart_with":
        world.actors["api"].process_state = "T"
    run(world, *(["web"] if how == "force" else []), force=how == "force")
    assert not any("web" in event for event in world.mutations)


def test_what_was_taken_along_comes_up_again_although_its_dependency_does_not(build: Any, run: Any) -> None:
    world = build.world_of(chain(build, restart_with=("api",)), api={"process_state": "T", "comes_back": False})
    run(world)
    assert world.actors["web"].state == manager.RUNNING


def test_nothing_is_stopped_when_too_little_time_is_left_to_start_it_again(build: Any, tmp_path: Path) -> None:
    world = build.world_of(build.catalogue(build.service("web")), web={"process_state": "T"})
    engine = Engine(world, world.catalogue, build.brakes(tmp_path, world.clock.wall))
    recovery = engine.recover(Request(("web",), world.clock.now + 10.0))
    assert world.mutations == []
    assert "too little time" in recovery.steps[0].message


def test_a_start_that_never_happened_costs_no_budget(build: Any, run: Any, tmp_path: Path) -> None:
    catalogue = build.catalogue(
        build.service("db", port=1),
        build.service("web", port=2, depends_on=("db",), limits=Limits(attempts=2, restarts_per_hour=1)),
    )
    world = build.world_of(catalogue, db={**build.DOWN, "comes_back": False}, web=build.DOWN)
    brakes = build.brakes(tmp_path / "state", world.clock.wall)
    run(world, brakes=brakes)
    assert brakes.exhausted([catalogue.services["web"]]) == {}


def test_a_manager_is_not_restarted_around_what_would_not_come_back(build: Any, run: Any) -> None:
    catalogue = build.catalogue(build.service("boss", port=1), build.service("metrics", port=2, tier="observability"))
    world = build.world_of(catalogue, boss={"process_state": "T"})
    table = world.table

    def nested() -> Any:
        processes = dict(table().processes)
        processes[11] = build.process(11, ppid=10, start=11)
        return type(table())(processes)

    world.table = nested
    result = run(world)[1]
    assert world.mutations == []
    assert "metrics would go down with it" in result["services"][0]["refusal"]


def test_an_unexpected_error_between_stop_and_start_does_not_keep_it_down(build: Any, run: Any) -> None:
    world = build.world_of(build.catalogue(build.service("web", temp=("/tmp/w",))), web={"process_state": "T"})
    world.temp = 1

    def explode(service: Any) -> Any:
        raise RecursionError("too deep")

    world.clear_temp = explode
    result = run(world)[1]
    assert result["recovered"] is True
    assert any("RecursionError" in step["message"] for step in result["steps"])


def test_what_was_blocked_all_the_time_gets_a_short_grace_and_is_then_restarted(build: Any, run: Any) -> None:
    catalogue = build.catalogue(
        build.service("db", port=1, limits=Limits(ready_timeout=60.0)),
        build.service("web", port=2, depends_on=("db",), limits=Limits(ready_timeout=60.0)),
    )
    world = build.world_of(catalogue, db={"process_state": "T"}, web={"answers": False})
    began = world.clock.now
    assert run(world)[1]["recovered"]
    assert world.mutations == ["stop db", "start db", "stop web", "start web"]
    assert world.clock.now - began < 30.0


@pytest.mark.parametrize(("answers", "condition"), [(True, "healthy"), (False, "split_brain")])
def test_what_another_manager_keeps_is_not_ended_as_a_plain_command(
    build: Any, run: Any, answers: bool, condition: str
) -> None:
    world = build.world_of(build.catalogue(build.service("web")), web={"answers": answers})
    world.units[10] = "other.service"
    result = run(world)[1]
    assert (result["services"][0]["condition"], world.mutations) == (condition, [])
