# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single steps: each looks again before it acts, and says what it found."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable, StopResult
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.module_utils._recovery.apply import Applier


@pytest.fixture
def one(build: Any) -> Callable[..., Any]:
    """A world with the service web, changed as asked."""

    def _one(**changes: Any) -> Any:
        catalogue = build.catalogue(build.service("db", port=1), build.service("web", port=3, depends_on=("db",)))
        actors = {"db": build.Actor(pid=9), "web": build.Actor(pid=10)}
        for key, value in changes.items():
            setattr(actors["web"], key, value)
        return build.World(catalogue, actors)

    return _one


class Unbraked:
    """Nothing is held back, nothing is counted."""

    def check(self, name: str) -> None:
        pass

    def spend(self, service: Any) -> None:
        pass


def apply(
    world: Any, *steps: str, force: bool = False, seconds: float = 300.0, service: str = "web"
) -> list[t.StepResult]:
    plan = t.Plan(tuple(t.Step(step, service, "because") for step in steps))
    return Applier(world, world.catalogue, world.clock.now + seconds, Unbraked(), force).apply(plan, 1)


def test_nothing_is_started_twice(one: Any) -> None:
    world = one(state=manager.STARTING, answers=False)
    (result,) = apply(world, t.START)
    assert (result.status, world.actors["web"].starts) == ("done", 0)
    assert "already started by its manager (pid 10)" in result.message


def test_a_start_waits_until_the_port_is_free(one: Any) -> None:
    world = one(state=manager.STOPPED, pid=None, stranger=66)
    free_at = world.clock.now + 2.0
    sleep = world.clock.sleep

    def pass_time(seconds: float) -> None:
        sleep(seconds)
        if world.clock.now >= free_at:
            world.actors["web"].stranger = None

    world.clock.sleep = pass_time
    (result,) = apply(world, t.START)
    assert result.status == "done"
    assert world.actors["web"].starts == 1
    assert world.clock.now >= free_at


def test_a_port_that_stays_taken_fails_the_start_and_names_the_holder(one: Any) -> None:
    world = one(state=manager.STOPPED, pid=None, stranger=66)
    start, ready = apply(world, t.START, t.WAIT_READY)
    assert (start.status, ready.status, world.actors["web"].starts) == ("failed", "skipped", 0)
    assert "pid 66" in start.message
    assert 5.0 <= start.duration < 6.0


def test_workers_that_outlive_the_stop_are_ended(one: Any, build: Any) -> None:
    world = one()
    worker = Process(44, 10, 7, "S", ("worker",), None, "/srv", 1000)
    table = world.table

    def with_worker() -> ProcessTable:
        processes = dict(table().processes)
        if "end 44" not in world.events:
            processes[44] = worker
        return ProcessTable(processes)

    world.table = with_worker
    (result,) = apply(world, t.STOP)
    assert world.events == ["stop web", "end 44"]
    assert "ended 1 processes that outlived it" in result.message


def test_a_process_that_survives_sigkill_fails_the_step(one: Any) -> None:
    world = one(stray=77)
    world.end_processes = lambda processes, grace: StopResult((77,), (77,), (77,), True)
    (result,) = apply(world, t.END_PROCESSES)
    assert result.status == "failed"
    assert "pid 77 survived SIGKILL" in result.message


def test_only_strays_are_ended_not_what_the_manager_runs(one: Any) -> None:
    world = one(stray=77)
    apply(world, t.END_PROCESSES)
    assert world.events == ["end 77"]


def test_waiting_ends_early_when_the_manager_has_given_up(one: Any) -> None:
    world = one(state=manager.FAILED, pid=None, answers=False)
    world.last_error = lambda service: "KeyError: 'x'"
    (result,) = apply(world, t.WAIT_READY)
    assert result.status == "failed"
    assert "KeyError: 'x'" in result.message
    assert 1.0 <= result.duration < 3.0


def test_waiting_ends_at_the_ready_timeout(one: Any) -> None:
    (result,) = apply(one(answers=False), t.WAIT_READY)
    assert result.status == "failed"
    assert "not ready after 20s: live: refused" in result.message


def test_after_the_deadline_nothing_is_begun(one: Any) -> None:
    world = one()
    (result,) = apply(world, t.STOP, seconds=0.0)
    assert (result.status, world.events) == ("skipped", [])
    assert "deadline" in result.message


def test_an_unready_dependency_holds_the_start_back_unless_forced(one: Any) -> None:
    world = one(state=manager.STOPPED, pid=None)
    plan = t.Plan((t.Step(t.REFUSE, "db", "foreign"), t.Step(t.START, "web", "down")))
    (held,) = Applier(world, world.catalogue, world.clock.now + 60, Unbraked()).apply(plan, 1)
    assert (held.status, "needs db" in held.message) == ("skipped", True)
    (forced,) = Applier(world, world.catalogue, world.clock.now + 60, Unbraked(), force=True).apply(plan, 1)
    assert forced.status == "done"


def test_a_temp_path_that_cannot_be_cleared_does_not_hold_the_start_back(one: Any) -> None:
    world = one(state=manager.STOPPED, pid=None)
    clear, start = apply(world, t.CLEAR_TEMP, t.START)
    assert (clear.status, start.status) == ("done", "done")


def test_waiting_for_what_dies_again_and_again_is_a_crash_loop(one: Any) -> None:
    world = one(answers=False, dies_after=0.0)
    world.last_error = lambda service: "MemoryError"
    applier = Applier(world, world.catalogue, world.clock.now + 60, Unbraked())
    (result,) = applier.apply(t.Plan((t.Step(t.WAIT_READY, "web", "because"),)), 1)
    assert result.status == "failed"
    assert "started again 2 times while it was waited for; last error in its log: MemoryError" in applier.crashed["web"]


def supervised(world: Any, life: float, lives: int = 1000) -> None:
    """Make web live for ``life`` seconds, be "stopped" for nearly one, and start again: what exits under supervisord.

    With the last of its ``lives`` it answers.
    """
    web, sleep, born = world.actors["web"], world.clock.sleep, [world.clock.now]

    def pass_time(seconds: float) -> None:
        sleep(seconds)
        if len(born) == lives:
            web.answers = True
        elif world.clock.now >= born[-1] + life + 0.9:
            world.next_pid += 1
            web.pid, web.state = world.next_pid, manager.STARTING
            born.append(world.clock.now)
        elif world.clock.now >= born[-1] + life:
            web.pid, web.state = None, manager.STOPPED

    world.clock.sleep = pass_time


def test_what_is_stopped_between_two_lives_is_waited_for(one: Any) -> None:
    world = one(answers=False, state=manager.STARTING)
    supervised(world, life=5.0, lives=2)
    (result,) = apply(world, t.WAIT_READY)
    assert (result.status, world.actors["web"].pid) == ("done", 501), result.message


def test_what_stays_stopped_is_not_waited_for(one: Any) -> None:
    (result,) = apply(one(answers=False, state=manager.STOPPED, pid=None), t.WAIT_READY)
    assert (result.status, "its manager says stopped" in result.message) == ("failed", True)
    assert 2.0 < result.duration < 3.0, "of 20"


def test_one_death_is_a_crash_loop_too_when_it_is_not_ready_in_time(one: Any) -> None:
    world = one(answers=False, state=manager.STARTING)
    supervised(world, life=12.0)
    applier = Applier(world, world.catalogue, world.clock.now + 60, Unbraked())
    (result,) = applier.apply(t.Plan((t.Step(t.WAIT_READY, "web", "because"),)), 1)
    assert (result.status, applier.crashed) == (
        "failed",
        {"web": "died and was started again 1 time while it was waited for"},
    )
