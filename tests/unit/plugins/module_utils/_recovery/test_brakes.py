# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds a recovery back: freeze, leases with fencing tokens, circuit breakers, and the glass to break."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Limits
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._managers.record import boot_id
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._recovery.brakes import HeldBack
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Engine, PlanChanged, Request
from ansible_collections.toombos.incident.plugins.module_utils._recovery.freeze import Freeze, FreezeSwitch
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lease import Holder, Leases

ALICE = Holder("alice", "debugging by hand")
BOB = Holder("bob", "")


def down(build: Any, *names: str, **changes: Any) -> Any:
    """A world in which these services are stopped."""
    services = [build.service(name, port=7000 + number, **changes) for number, name in enumerate(names)]
    actors = {name: build.Actor(state="stopped", pid=None) for name in names}
    return build.World(build.catalogue(*services), actors)


def recover(build: Any, world: Any, state: Path, approved: Any = None, **authority: Any) -> Any:
    brakes = build.brakes(state, world.clock.wall, **authority)
    request = Request(world.catalogue.order, world.clock.now + 300.0, approved=approved)
    return Engine(world, world.catalogue, brakes).recover(request), brakes


def changes(world: Any) -> list[str]:
    return [event for event in world.events if not event.startswith("validate")]


def refusals(recovery: Any) -> list[str]:
    return [step.reason for step in recovery.after.plan.steps if step.step == "refuse"]


# Leases.


def test_a_lease_keeps_others_away_until_it_expires(tmp_path: Path, wall: Any) -> None:
    leases = Leases(str(tmp_path), wall)
    assert leases.take(["web", "db"], ALICE, 60.0) == {"web": 1, "db": 1}
    assert leases.take(["web"], BOB, 60.0) == {}
    assert leases.held(["web", "other"], ALICE) == {}, "not from herself"
    assert (
        "is held by alice (debugging by hand) until 1970-01-12T13:47:40Z" in leases.held(["web"], BOB)["web"].sentence
    )
    wall.now += 61
    assert leases.held(["web"], BOB) == {}
    assert leases.take(["web"], BOB, 60.0) == {"web": 2}, "tokens only ever grow"


def test_who_was_overtaken_sees_a_higher_token(tmp_path: Path, wall: Any) -> None:
    leases = Leases(str(tmp_path), wall)
    old = leases.take(["web"], ALICE, 60.0)["web"]
    assert leases.overtaken("web", old) is None
    new = leases.take(["web"], BOB, 60.0, takeover=True)["web"]
    overtaken = leases.overtaken("web", old)
    assert overtaken is not None
    assert (overtaken.holder.owner, overtaken.token, new) == ("bob", 2, 2)
    assert leases.release({"web": old}) == [], "a newer lease is not given back by the old holder"
    assert leases.release({"web": new}) == ["web"]
    assert leases.take(["web"], ALICE, 60.0) == {"web": 3}


def test_the_lease_of_a_run_ends_with_its_process(tmp_path: Path, wall: Any) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    stat = read_stat(child.pid)
    assert stat is not None
    run = Holder("a run", "", child.pid, stat.start, boot_id())
    leases = Leases(str(tmp_path), wall)
    leases.take(["web"], run, 3600.0)
    assert list(leases.held(["web"], BOB)) == ["web"]
    child.kill()
    child.wait()
    assert leases.held(["web"], BOB) == {}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"web": 1}', '{"web": {"token": 1}}', "\x00"])
def test_a_damaged_record_of_leases_keeps_nobody_away(tmp_path: Path, wall: Any, content: str) -> None:
    (tmp_path / "leases.json").write_text(content)
    assert Leases(str(tmp_path), wall).take(["web"], BOB, 60.0) == {"web": 1}


def test_leases_are_taken_by_one_at_a_time(tmp_path: Path) -> None:
    code = (
        "import sys, time; from ansible_collections.toombos.incident.plugins.module_utils._recovery.lease import *\n"
        "leases = Leases(sys.argv[1], time.time)\n"
        "for _number in range(20): leases.take(['web'], Holder(sys.argv[2], ''), 0.0)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    paths = {"PYTHONPATH": ":".join(sys.path)}
    runs = [subprocess.Popen([*command, name], env=paths) for name in ("a", "b", "c")]
    assert [run.wait() for run in runs] == [0, 0, 0]
    assert json.loads((tmp_path / "leases.json").read_text())["web"]["token"] == 60


# Freeze.


def test_a_freeze_holds_until_it_is_thawed_or_expires(tmp_path: Path) -> None:
    switch = FreezeSwitch(str(tmp_path / "state"))
    assert switch.read(100.0) is None
    switch.set(Freeze("evidence first", "alice", 100.0, 200.0))
    freeze = switch.read(150.0)
    assert freeze is not None
    assert "frozen by alice since 1970-01-01T00:01:40Z, until 1970-01-01T00:03:20Z: evidence first" in freeze.sentence
    assert switch.read(200.0) is None
    switch.clear()
    switch.clear()
    assert switch.read(150.0) is None


@pytest.mark.parametrize("content", ["", "{}", "\x00", '{"reason": "x", "by": "y", "since": "z", "until": 0}'])
def test_a_freeze_that_cannot_be_read_still_freezes(tmp_path: Path, content: str) -> None:
    (tmp_path / "freeze.json").write_text(content)
    freeze = FreezeSwitch(str(tmp_path)).read(0.0)
    assert freeze is not None
    assert "cannot be read" in freeze.sentence


def test_nobody_believes_in_a_freeze_that_could_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IncidentError, match="NOT frozen"):
        FreezeSwitch(str(tmp_path / "file")).set(Freeze("x"))


@pytest.mark.parametrize("how", ["file", "variable"])
def test_a_frozen_host_is_assessed_and_not_changed(build: Any, tmp_path: Path, how: str) -> None:
    world = down(build, "web")
    if how == "file":
        FreezeSwitch(str(tmp_path)).set(Freeze("evidence first", "alice"))
    authority = {"freeze": "evidence first"} if how == "variable" else {}
    recovery, _brakes = recover(build, world, tmp_path, break_glass=True, reason="whatever", **authority)
    assert (changes(world), recovery.changed, recovery.after.healthy) == ([], False, False)
    assert "evidence first" in refusals(recovery)[0]


def test_a_freeze_in_the_middle_stops_before_the_next_change(build: Any, tmp_path: Path) -> None:
    world = down(build, "db", "web")
    world.on_start = lambda name: FreezeSwitch(str(tmp_path)).set(Freeze("stop it", "alice"))
    recovery, _brakes = recover(build, world, tmp_path)
    assert changes(world) == ["start db"]
    assert any("stop it" in result.message for result in recovery.steps if result.service == "web")
    assert not recovery.after.healthy
    world.on_start = None
    FreezeSwitch(str(tmp_path)).clear()
    assert recover(build, world, tmp_path)[0].after.healthy, "the next run finishes"


# Recoveries and leases.


def test_a_leased_service_is_left_alone_and_the_others_are_recovered(build: Any, tmp_path: Path) -> None:
    world = down(build, "db", "web")
    Leases(str(tmp_path), world.clock.wall).take(["web"], ALICE, 600.0)
    recovery, _brakes = recover(build, world, tmp_path)
    assert changes(world) == ["start db"]
    assert refusals(recovery)[0].startswith("is held by alice")
    recovery, brakes = recover(build, world, tmp_path, takeover=True, owner="bob", reason="she went home")
    assert recovery.after.healthy
    assert brakes.overrides == ["took web over from alice (debugging by hand)"]
    record = json.loads((tmp_path / "overrides.jsonl").read_text())
    assert (record["by"], record["reason"], record["what"]) == ("bob", "she went home", brakes.overrides[0])


def test_a_recovery_that_is_overtaken_changes_nothing_any_more(build: Any, tmp_path: Path) -> None:
    world = down(build, "db", "web")
    leases = Leases(str(tmp_path), world.clock.wall)
    world.on_start = lambda name: leases.take(["db", "web"], BOB, 600.0, takeover=True)
    recovery, brakes = recover(build, world, tmp_path)
    assert changes(world) == ["start db"]
    assert [result.status for result in recovery.steps if (result.step, result.service) == ("start", "web")] == [
        "skipped"
    ]
    assert any("was taken over by bob" in result.message for result in recovery.steps)
    assert list(leases.held(["web"], ALICE)) == ["web"], "bob's lease is still his"
    with pytest.raises(HeldBack):
        brakes.check("web")


def test_a_healthy_host_is_not_written_to(build: Any, tmp_path: Path) -> None:
    world = build.World(build.catalogue(build.service("web")), {"web": build.Actor()})
    assert recover(build, world, tmp_path / "state")[0].after.healthy
    assert not (tmp_path / "state").exists()


# The glass, approval, and worse.


def test_breaking_the_glass_starts_beyond_the_limit_and_is_on_record(build: Any, tmp_path: Path) -> None:
    world = down(build, "web", limits=Limits(attempts=1, ready_timeout=5.0, restarts_per_hour=1))
    world.actors["web"].comes_back = False
    assert not recover(build, world, tmp_path)[0].after.healthy
    world.actors["web"].comes_back = True
    assert "circuit breaker is open" in refusals(recover(build, world, tmp_path)[0])[0]
    recovery, brakes = recover(build, world, tmp_path, break_glass=True, owner="alice", reason="the cause is mended")
    assert recovery.after.healthy
    assert brakes.overrides == [
        "started web past its circuit breaker: was already started 1 times within the hour (limit 1)"
    ]
    assert "the cause is mended" in (tmp_path / "overrides.jsonl").read_text()


def test_only_the_approved_plan_is_applied(build: Any, tmp_path: Path) -> None:
    world = down(build, "db", "web")
    approved = (("start", "db"), ("wait_ready", "db"), ("stop", "web"), ("verify", ""))
    with pytest.raises(PlanChanged, match="would now also start web; wait_ready web and no longer stop web"):
        recover(build, world, tmp_path, approved=approved)
    assert changes(world) == []
    world.actors["db"] = build.Actor(pid=9)
    approved = (("start", "web"), ("wait_ready", "web"), ("verify", ""))
    assert recover(build, world, tmp_path, approved=approved)[0].after.healthy


def test_a_second_attempt_that_nobody_approved_is_not_made(build: Any, tmp_path: Path) -> None:
    world = down(build, "web")
    world.actors["web"].comes_back = False
    world.actors["web"].state = "running"
    world.actors["web"].pid, world.actors["web"].answers = 10, False
    plan = (("stop", "web"), ("start", "web"), ("wait_ready", "web"), ("verify", ""))
    recovery, _brakes = recover(build, world, tmp_path, approved=plan)
    assert changes(world) == ["stop web", "start web"]
    assert not recovery.after.healthy


def test_it_stops_when_something_that_nobody_touched_turns_red(build: Any, tmp_path: Path) -> None:
    world = down(build, "db", "web")
    world.actors["db"].comes_back = False
    world.actors["web"] = build.Actor(pid=20)

    def spread(name: str) -> None:
        world.actors["web"].answers = False

    world.on_start = spread
    recovery, _brakes = recover(build, world, tmp_path)
    assert (recovery.worsened, changes(world)) == (("web",), ["start db"])
