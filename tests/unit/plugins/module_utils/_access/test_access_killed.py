# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taken away, killed before any effect, finished or given back: in the end it is one or the other, to the byte."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from access_world import SHADOW, Killed, World

from ansible_collections.toombos.incident.plugins.module_utils._access import record as r, shadow_file
from ansible_collections.toombos.incident.plugins.module_utils._access.types import Step
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

KEY = Step("key", ("disable",), ("enable",))
ONCE = Step("once", ("rotate",), ())
LOCKED = (
    SHADOW.replace(b"deploy:$6$d$ddd:19001:0:99999:7:::", b"deploy:!$6$d$ddd:19001:0:99999:7::1:")
    .replace(b"eve:$6$e$eee:19001:0:99999:7::25000:", b"eve:!$6$e$eee:19001:0:99999:7::1:")
    .replace(b"key:!:19001::::::", b"key:!:19001:::::1:")
)
USERS = ("deploy", "eve", "key")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def whole(world: World) -> None:
    world.revoke(*USERS, steps=(KEY, ONCE))


def kill_at(moment: int, world: World, monkeypatch: pytest.MonkeyPatch, act: Callable[[World], Any]) -> bool:
    """Whether it was killed before its effect number ``moment``: a file put in its place or removed, or a command."""
    left = [moment]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def effect(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return real(*args, **kwargs)

        return effect

    with monkeypatch.context() as patched:
        for name in ("replace", "unlink", "link"):
            patched.setattr(os, name, counted(getattr(os, name)))
        patched.setattr(world, "run", counted(world.run))
        try:
            act(world)
        except Killed:
            return True
    return False


def test_taken_away_and_given_back_it_is_what_it_was(world: World) -> None:
    whole(world)
    assert world.shadow == LOCKED
    done = world.restore()
    assert world.shadow == SHADOW
    assert world.ran == ["disable", "rotate", "enable"]
    assert done.more["findings"] == ["the step 'once' has no undo and stays done"]
    assert world.records.read() is None


def test_a_second_time_nothing_is_changed(world: World) -> None:
    whole(world)
    ran, inode = list(world.ran), (world.etc / "shadow").stat().st_ino
    done = world.revoke(*USERS, steps=(KEY, ONCE))
    assert not done.changed
    assert (world.ran, (world.etc / "shadow").stat().st_ino) == (ran, inode)
    assert world.restore().changed
    assert not world.restore().changed


def test_killed_before_any_effect_the_next_call_finishes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 0
    while kill_at(moment, world, monkeypatch, whole):
        assert world.shadow in (SHADOW, LOCKED)
        whole(world)
        assert world.shadow == LOCKED
        world.restore()
        assert world.shadow == SHADOW, moment
        moment += 1
    assert moment >= 10


def test_killed_before_any_effect_it_can_be_taken_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 0
    while kill_at(moment, world, monkeypatch, whole):
        started = {each.split()[0] for each in world.ran}
        findings = world.restore().more.get("findings", [])
        assert world.shadow == SHADOW, moment
        assert not [finding for finding in findings if "somebody else" in finding], moment
        assert "disable" not in started or world.ran[-1] == "enable"
        assert world.records.read() is None
        world.ran.clear()
        moment += 1
    assert moment >= 10


def test_killed_while_it_is_given_back_the_next_call_finishes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 0
    whole(world)
    while kill_at(moment, world, monkeypatch, lambda world: world.restore()):
        world.restore()
        assert world.shadow == SHADOW, moment
        assert world.records.read() is None
        whole(world)
        moment += 1
    assert moment >= 6


def test_no_password_is_recorded_and_the_record_is_private(world: World) -> None:
    whole(world)
    path = Path(world.records.path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "$6$" not in path.read_text()
    assert "hunter2" not in path.read_text()


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (b"deploy:!$6$d$ddd:", b"deploy:$6$n$new:"),
        (b"deploy:!$6$d$ddd:", b"deploy:!$6$n$new:"),
        (b"deploy:!$6$d$ddd:19001:0:99999:7::1:", b"deploy:!$6$d$ddd:19001:0:99999:7::21000:"),
    ],
)
def test_what_others_have_changed_meanwhile_stays_and_is_said(world: World, was: bytes, now: bytes) -> None:
    whole(world)
    changed = world.shadow.replace(was, now)
    assert changed != world.shadow
    (world.etc / "shadow").write_bytes(changed)
    findings = world.restore().more["findings"]
    line = next(line for line in changed.split(b"\n") if line.startswith(b"deploy:"))
    assert line in world.shadow.split(b"\n")
    assert b"eve:$6$e$eee:19001:0:99999:7::25000:" in world.shadow
    assert "deploy was changed by somebody else since it was locked" in findings[1]


def test_an_account_that_is_gone_does_not_keep_the_others(world: World) -> None:
    whole(world)
    (world.etc / "shadow").write_bytes(b"\n".join(x for x in world.shadow.split(b"\n") if not x.startswith(b"eve:")))
    findings = world.restore().more["findings"]
    assert findings[1].startswith("eve was not given back: it has no entry")
    assert b"deploy:$6$d$ddd:19001:0:99999:7:::" in world.shadow


def test_locked_again_after_somebody_opened_it_the_first_state_comes_back(world: World) -> None:
    world.revoke("eve")
    (world.etc / "shadow").write_bytes(world.shadow.replace(b"eve:!$6$e$eee:", b"eve:$6$e$eee:"))
    world.revoke("eve")
    world.restore()
    assert world.shadow == SHADOW


def test_a_step_that_fails_stops_and_is_begun_with_the_next_time(world: World) -> None:
    world.fails = {"disable"}
    done = world.revoke(*USERS, steps=(ONCE, KEY, Step("third", ("third",), ())))
    assert "The step 'key' failed (rc 1" in done.problem
    assert "state: restored" in done.problem
    assert world.ran == ["rotate", "disable"]
    assert world.shadow == LOCKED
    world.fails, world.ran = set(), []
    assert not world.revoke(*USERS, steps=(ONCE, KEY, Step("third", ("third",), ()))).problem
    assert world.ran == ["disable", "third"]


def test_a_step_that_cannot_be_undone_keeps_the_rest_unless_it_is_forced(world: World) -> None:
    whole(world)
    world.fails = {"enable"}
    done = world.restore()
    assert "could not be undone" in done.problem
    assert world.shadow == LOCKED
    forced = world.restore(force=True)
    assert not forced.problem
    assert world.shadow == SHADOW
    assert any("could not be undone" in finding for finding in forced.more["findings"])


def test_steps_are_undone_in_reverse_and_only_those_that_were_run(world: World) -> None:
    steps = tuple(Step(f"s{n}", (f"do{n}",), (f"undo{n}",)) for n in range(4))
    world.fails = {"do2"}
    world.revoke(steps=steps)
    world.ran.clear()
    world.restore()
    assert world.ran == ["undo2", "undo1", "undo0"]


def test_each_step_is_recorded_before_it_is_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    real = world.run

    def run(argv: list[str], **how: Any) -> Any:
        seen.append(
            [(each["name"], each["state"]) for each in json.loads(Path(world.records.path).read_text())["steps"]]
        )
        return real(argv, **how)

    monkeypatch.setattr(world, "run", run)
    whole(world)
    assert seen == [[("key", r.BEGUN)], [("key", r.DONE), ("once", r.BEGUN)]]


def test_nothing_is_locked_that_cannot_be_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(r, "write_atomic", full)
    with pytest.raises(IncidentError, match="What was not recorded was not done"):
        whole(world)
    assert world.shadow == SHADOW
    assert world.ran == []


def test_an_entry_that_changed_since_the_look_is_not_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shadow_file.locked

    def late(etc: str, patience: float) -> Any:
        path = world.etc / "shadow"
        path.write_bytes(path.read_bytes().replace(b"deploy:$6$d", b"deploy:$6$z"))
        return real(etc, patience)

    monkeypatch.setattr(shadow_file, "locked", late)
    with pytest.raises(IncidentError, match="Nobody was locked: the entry of deploy has changed"):
        whole(world)
    assert b"deploy:$6$z$ddd:19001:0:99999:7:::" in world.shadow


def test_a_damaged_record_is_told_and_not_replaced(world: World) -> None:
    whole(world)
    Path(world.records.path).write_text("{")
    with pytest.raises(IncidentError, match="the only way back"):
        world.records.read()
