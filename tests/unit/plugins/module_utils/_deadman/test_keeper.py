# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program of a deadline does, called here instead of in a process of its own."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._deadman import keeper, types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.boot import boottime, this_boot
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import Slot
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError


@pytest.fixture
def slot(deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A slot without processes: state and seconds → the slot."""
    monkeypatch.setattr(keeper.signal, "signal", lambda *_: None)
    monkeypatch.setattr(keeper, "_TICK", 0.01)

    def make(state: str = t.ARMED, seconds: float = 0.1, kept: str = "pair", **more: Any) -> Slot:
        made = Slot(str(deadlines.zoo.home / "0123456789abcdef"))
        order = deadlines.order(**more)
        made.create("raise SystemExit(0)", order.arguments)
        made.write(t.Record(order, "0" * 64, this_boot(), time.time(), "/bin/true", kept))
        if state != t.ARMING:
            assert made.move(t.ARMING, state, until=boottime() + seconds)
        return made

    return make


def test_it_waits_and_acts_and_leaves_what_people_want_to_know(slot: Any, deadlines: Any) -> None:
    made = slot()
    assert keeper.main(made.path, ["keep"]) == 0
    assert (made.state()[0], deadlines.acted()) == (t.FIRED, ["done"])
    assert not {"program.py", "arguments.json"} & set(os.listdir(made.path))


@pytest.mark.parametrize(("state", "acted"), [(t.CALLED_OFF, []), (t.FIRED, []), (t.FIRING, ["done"])])
def test_it_goes_on_from_where_it_stands(slot: Any, deadlines: Any, state: str, acted: list[str]) -> None:
    assert keeper.main(slot(state).path, ["keep"]) == 0
    assert deadlines.acted() == acted


def test_what_was_removed_is_over(slot: Any, deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = slot(seconds=60.0)
    monkeypatch.setattr(keeper.time, "sleep", lambda _seconds: made.remove())
    assert keeper.main(made.path, ["keep"]) == 0
    assert deadlines.acted() == []


def test_one_that_never_came_into_force_is_removed(slot: Any, deadlines: Any) -> None:
    made = slot(t.ARMING)
    os.utime(made.path, (1.0, 1.0))
    assert keeper.main(made.path, ["keep"]) == 0
    assert not os.path.exists(made.path)
    assert deadlines.acted() == []


def test_fire_acts_only_on_what_has_come(slot: Any, deadlines: Any) -> None:
    made = slot(seconds=60.0)
    assert keeper.main(made.path, ["fire"]) == 0
    assert deadlines.acted() == []
    made.move(t.ARMED, t.ARMED, until=boottime() - 1, was=made.state()[1])
    assert keeper.main(made.path, ["fire"]) == 0
    assert (made.state()[0], deadlines.acted()) == (t.FIRED, ["done"])


def test_check_says_what_would_keep_it_from_running(slot: Any, capsys: pytest.CaptureFixture[str]) -> None:
    made = slot(nonsense=1)
    assert keeper.main(made.path, ["check"]) == 1
    assert "unexpected keyword argument 'nonsense'" in capsys.readouterr().err
    made.remove()
    assert keeper.main(made.path, ["check"]) == 1
    assert keeper.main(slot().path, ["check"]) == 0


def test_a_role_is_played_once(slot: Any, deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_ROLE", 0.05)
    made = slot(seconds=-1.0)
    with made.locked("keeper-0.lock") as held:
        assert held
        assert keeper.main(made.path, ["keep", "0"]) == 0
    assert deadlines.acted() == []
    assert keeper.main(made.path, ["keep", "0"]) == 0
    assert deadlines.acted() == ["done"]


def test_the_other_one_is_started_while_there_is_time(
    slot: Any, deadlines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def start(_slot: Slot, _python: str, role: str) -> str:
        started.append(role)
        raise IncidentError("no more processes")

    monkeypatch.setattr(keeper, "start_one", start)
    made = slot(seconds=0.2)
    assert keeper.main(made.path, ["keep", "0"]) == 0
    assert (set(started), deadlines.acted()) == ({"1"}, ["done"])


def test_once_where_nothing_can_be_written(slot: Any, deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = slot(seconds=-1.0)

    def broken(*_: object, **__: object) -> bool:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Slot, "move", broken)
    assert keeper.main(made.path, ["keep", "0"]) == 0
    assert (made.state()[0], deadlines.acted()) == (t.ARMED, ["done"])
