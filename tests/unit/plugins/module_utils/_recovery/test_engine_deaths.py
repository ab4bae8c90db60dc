# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery of services that live for a moment and die, over a simulated host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Engine, Request


def test_a_crash_within_the_stability_window_is_not_a_recovery(build: Any, run: Any) -> None:
    world = build.world_of(build.catalogue(build.service("web")), web={**build.DOWN, "dies_after": 2.0})
    _recovery, result = run(world, stable_for=5.0)
    assert not result["recovered"]
    assert result["services"][0]["condition"] == "crash_loop"
    assert "stability window" in result["services"][0]["message"]


def test_a_crash_loop_is_called_so_although_it_always_looks_like_starting(build: Any, run: Any) -> None:
    world = build.world_of(build.catalogue(build.service("web")), web={"process_state": "T"})
    world.on_start = lambda name: [
        setattr(world.actors[name], "answers", False),
        setattr(world.actors[name], "dies_after", 0.0),
    ]
    _recovery, result = run(world)
    assert result["verdict"]["root_cause"]["condition"] == "crash_loop"
    assert world.actors["web"].starts == 2


def test_what_is_found_starting_and_dies_while_it_is_waited_for_is_restarted(build: Any, run: Any) -> None:
    dying = {"state": manager.STARTING, "answers": False, "dies_after": 0.0}
    world = build.world_of(build.catalogue(build.service("web")), web=dying)
    world.on_start = lambda name: setattr(world.actors[name], "dies_after", None)
    recovery, result = run(world)
    assert recovery.before.found["web"].condition == "starting"
    assert (world.mutations, result["services"][0]["condition"]) == (["stop web", "start web"], "healthy")


def test_what_goes_on_starting_in_the_same_process_is_left_to_it(build: Any, run: Any) -> None:
    slow = {"state": manager.STARTING, "answers": False}
    world = build.world_of(build.catalogue(build.service("web")), web=slow)
    result = run(world)[1]
    assert (world.mutations, result["services"][0]["condition"]) == ([], "starting")


@pytest.mark.parametrize(("age", "condition"), [(1.0, "crash_loop"), (600.0, "healthy")])
def test_a_healthy_moment_in_a_crash_loop_is_not_believed(build: Any, run: Any, age: float, condition: str) -> None:
    world = build.world_of(build.catalogue(build.service("web")), web={"dies_after": 1.0, "ready_at": 999.9})
    world.ages[10] = age
    result = run(world, stable_for=2.0)[1]
    assert result["services"][0]["before"]["condition"] == condition


@pytest.mark.parametrize(("age", "condition"), [(1.0, "crash_loop"), (600.0, "healthy")])
def test_an_assessment_does_not_believe_it_either(build: Any, tmp_path: Path, age: float, condition: str) -> None:
    world = build.world_of(build.catalogue(build.service("web")), web={"dies_after": 1.0, "ready_at": 999.9})
    world.ages[10] = age
    engine = Engine(world, world.catalogue, build.brakes(tmp_path, world.clock.wall))
    assessment = engine.look(Request(world.catalogue.order, world.clock.now + 60, stable_for=2.0))
    assert assessment.found["web"].condition == condition
    assert world.mutations == []


@pytest.mark.parametrize(
    ("restarts", "age", "condition"), [(3, 4.0, "crash_loop"), (0, 4.0, "healthy"), (3, 600.0, "healthy")]
)
def test_what_its_manager_starts_again_and_again_is_watched_for_longer_than_one_life(
    build: Any, tmp_path: Path, restarts: int, age: float, condition: str
) -> None:
    life = {"dies_after": 10.0, "ready_at": 1000.0 - 4.0, "restarts": restarts}
    world = build.world_of(build.catalogue(build.service("web")), web=life)
    world.ages[10] = age
    engine = Engine(world, world.catalogue, build.brakes(tmp_path, world.clock.wall))
    assessment = engine.look(Request(world.catalogue.order, world.clock.now + 60, stable_for=2.0))
    assert assessment.found["web"].condition == condition
    assert world.mutations == []


def test_a_service_that_was_restarted_and_stays_is_healthy_with_a_note(build: Any, run: Any) -> None:
    world = build.world_of(build.catalogue(build.service("web")), web={"restarts": 4})
    world.ages[10] = 12.0
    began = world.clock.now
    result = run(world, stable_for=2.0)[1]
    assert (result["recovered"], world.mutations) == (True, [])
    assert "ended and was started again 4 times" in result["services"][0]["message"]
    assert 18.0 <= world.clock.now - began < 21.0, "until it is 30 s old, and no longer"


def test_a_process_that_is_just_being_replaced_at_the_last_look_has_not_stayed(build: Any, tmp_path: Path) -> None:
    world = build.world_of(build.catalogue(build.service("web")))
    world.ages[10] = 1.0
    began, table = world.clock.now, world.table

    def without_the_next_one() -> Any:
        if world.clock.now - began > 1.5:  # its manager has started another one since the table was read
            world.actors["web"].pid = 77
        found = table()
        found.processes.pop(77, None)
        return found

    world.table = without_the_next_one
    world.own = lambda _service, found: tuple(found.processes.values())
    engine = Engine(world, world.catalogue, build.brakes(tmp_path, world.clock.wall))
    assessment = engine.look(Request(world.catalogue.order, world.clock.now + 60, stable_for=2.0))
    assert assessment.found["web"].condition == "crash_loop"
