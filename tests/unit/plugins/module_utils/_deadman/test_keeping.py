# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a deadline when its processes are ended, its function fails, or the host was restarted."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._deadman import deadline as module, fire, types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.boot import boottime
from ansible_collections.toombos.incident.plugins.module_utils._deadman.deadline import arm, orders, settle, status
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import Slot


def keepers(deadlines: Any) -> dict[str, int]:
    """Role → pid."""
    alive = [process for process in deadlines.zoo.alive() if "keep" in process.argv]
    return {process.argv[-1]: process.pid for process in alive if process.ppid not in {each.pid for each in alive}}


def kill_all(deadlines: Any) -> None:
    """Both keepers at once, so that neither can start the other."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for process in deadlines.zoo.alive():
            os.kill(process.pid, number)
    deadlines.zoo.until(lambda: not deadlines.zoo.alive())


@pytest.mark.parametrize("role", ["0", "1"])
def test_each_starts_the_other_again(deadlines: Any, role: str) -> None:
    arm(deadlines.directory, deadlines.order(seconds=4.0))
    before = keepers(deadlines)
    assert sorted(before) == ["0", "1"]
    os.kill(before[role], signal.SIGKILL)
    deadlines.zoo.until(lambda: keepers(deadlines).get(role, before[role]) != before[role])
    deadlines.zoo.until(deadlines.acted)
    deadlines.zoo.until(lambda: not deadlines.zoo.alive())
    assert deadlines.acted() == ["done"]


def test_they_ignore_a_hang_up(deadlines: Any) -> None:
    arm(deadlines.directory, deadlines.order(seconds=60.0))
    before = keepers(deadlines)
    for pid in before.values():
        os.kill(pid, signal.SIGHUP)
    time.sleep(0.5)
    assert keepers(deadlines) == before


def test_a_kill_in_the_middle_does_not_begin_it_beside_itself(deadlines: Any) -> None:
    """The process that waits for the function is ended; the function itself goes on, and is not begun again."""
    arm(deadlines.directory, deadlines.order("slow", seconds=0.3, pause=1.0))
    deadlines.zoo.until(deadlines.acted)
    os.kill(int(deadlines.acted()[0].split()[1]), signal.SIGKILL)
    deadlines.zoo.until(lambda: "done" in deadlines.acted())
    deadlines.zoo.until(lambda: not deadlines.zoo.alive())
    assert len(deadlines.acted()) == 2
    (seen,) = orders(deadlines.directory)
    assert (seen.state, seen.outcome.ok) == (t.FIRED, True)


def test_what_was_ended_in_the_middle_runs_again_with_the_next_call(deadlines: Any) -> None:
    token = arm(deadlines.directory, deadlines.order("slow", seconds=0.3, pause=3.0))
    deadlines.zoo.until(deadlines.acted)
    kill_all(deadlines)
    assert status(deadlines.directory, token).state == t.FIRING
    assert settle(deadlines.directory)[0].state == t.FIRED
    assert [line.split()[0] for line in deadlines.acted()] == ["begun", "begun", "done"]
    settle(deadlines.directory)
    assert len(deadlines.acted()) == 3


def test_what_nobody_keeps_is_kept_again_by_the_next_call(deadlines: Any) -> None:
    arm(deadlines.directory, deadlines.order(seconds=60.0))
    before = keepers(deadlines)
    kill_all(deadlines)
    assert settle(deadlines.directory)[0].state == t.ARMED
    assert sorted(keepers(deadlines)) == ["0", "1"]
    assert keepers(deadlines) != before


def test_what_is_overdue_happens_with_the_next_call(deadlines: Any) -> None:
    token = arm(deadlines.directory, deadlines.order(seconds=2.0))
    kill_all(deadlines)
    time.sleep(max(0.0, status(deadlines.directory, token).left))
    assert deadlines.acted() == []
    assert module.call_off(deadlines.directory, token) is False, "late is late, even where nobody has acted"
    assert settle(deadlines.directory)[0].state == t.FIRED
    assert deadlines.acted() == ["done"]


def test_it_does_not_survive_a_restart_of_the_host(deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "this_boot", lambda: "an earlier one")
    token = arm(deadlines.directory, deadlines.order(seconds=600.0))
    monkeypatch.undo()
    deadlines.zoo.until(deadlines.acted)
    deadlines.zoo.until(lambda: status(deadlines.directory, token).state == t.FIRED)
    assert module.call_off(deadlines.directory, token) is False


def test_one_that_never_came_into_force_goes(deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was about to set it was killed before the last step."""
    monkeypatch.setattr(Slot, "move", lambda *_, **__: (each for each in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        arm(deadlines.directory, deadlines.order(seconds=0.2))
    monkeypatch.undo()
    assert [seen.state for seen in settle(deadlines.directory)] == [t.ARMING]
    time.sleep(1.0)
    assert deadlines.acted() == []
    long_ago = time.time() - 1000
    (name,) = os.listdir(deadlines.directory)
    os.utime(Path(deadlines.directory, name), (long_ago, long_ago))
    deadlines.zoo.until(lambda: settle(deadlines.directory) == ())
    deadlines.zoo.until(lambda: not deadlines.zoo.alive())
    assert deadlines.acted() == []


def test_a_record_of_long_ago_goes(deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = arm(deadlines.directory, deadlines.order())
    module.call_off(deadlines.directory, token)
    deadlines.zoo.until(lambda: not deadlines.zoo.alive())
    assert len(settle(deadlines.directory)) == 1
    monkeypatch.setattr(module, "_KEPT", -1.0)
    assert settle(deadlines.directory) == ()


@pytest.fixture
def due(deadlines: Any) -> Any:
    """A slot that has come, and nobody keeps: function → how it ended, here and now."""

    def _due(action: str, function: Any = None, **more: Any) -> tuple[t.Status, t.Record]:
        token = arm(deadlines.directory, deadlines.order(action, seconds=3600.0, **more))
        kill_all(deadlines)
        slot = Slot(os.path.join(deadlines.directory, status(deadlines.directory, token).id))
        _state, until = slot.state()
        assert slot.move(t.ARMED, t.ARMED, until=boottime() - 1, was=until)
        record = slot.read(arguments=True)
        assert fire.fire(slot, record, function or fire.load(record.order.function), slot.state()[1]) == fire.DONE
        return status(deadlines.directory, token), record

    return _due


def test_what_fails_is_tried_again(deadlines: Any, due: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fire, "_PAUSES", (0.01,))
    seen, _record = due("fail", times=2)
    assert deadlines.acted() == ["tried"] * 3
    assert (seen.state, seen.outcome.ok, seen.outcome.attempts) == (t.FIRED, True, 3)


@pytest.mark.parametrize(
    ("action", "said"),
    [("fail", "OSError: no luck, password=***"), ("die", "said nothing"), ("leave", "SystemExit: enough")],
)
def test_what_fails_for_good_is_said_loudly(
    deadlines: Any, due: Any, monkeypatch: pytest.MonkeyPatch, action: str, said: str
) -> None:
    logged: list[tuple[bool, str]] = []
    monkeypatch.setattr(fire, "_PAUSES", (0.01,))
    monkeypatch.setattr(fire, "_log", lambda ok, line: logged.append((ok, line)))
    seen, _record = due(action, attempts=3)
    assert deadlines.acted() == ["tried"] * 3
    assert (seen.state, seen.outcome.ok, seen.outcome.attempts) == (t.FAILED, False, 3)
    assert said in seen.outcome.message
    assert [ok for ok, _line in logged] == [False]
    assert f"deadline {seen.id} (trial, set by alice: to see it) has come and its action FAILED 3 times" in logged[0][1]
    assert "geheim" not in logged[0][1]


def test_what_hangs_is_ended_at_its_limit(deadlines: Any, due: Any) -> None:
    seen, _record = due("slow", pause=60.0, limit=0.5, attempts=1)
    assert (seen.state, seen.outcome.message) == (t.FAILED, "it did not end within 0 s")
    assert [line.split()[0] for line in deadlines.acted()] == ["begun"]


def test_a_dead_system_log_costs_a_second(deadlines: Any, due: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fire, "_SYSLOG", 0.1)
    monkeypatch.setattr(fire, "_log", lambda ok, line: time.sleep(1.0))
    began = time.monotonic()
    seen, _record = due("write")
    assert seen.state == t.FIRED
    assert time.monotonic() - began < 30


def test_one_that_ends_its_process_again_and_again_is_given_up(
    deadlines: Any, due: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fire, "_MOST_BEGUN", 2)
    monkeypatch.setattr(fire, "_PAUSES", (0.01,))
    seen, _record = due("die", attempts=50)
    assert (seen.state, len(deadlines.acted())) == (t.FAILED, 2)


def test_on_a_disk_that_cannot_be_written_to_it_happens_all_the_same(
    deadlines: Any, due: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = arm(deadlines.directory, deadlines.order(seconds=3600.0))
    kill_all(deadlines)
    slot = Slot(os.path.join(deadlines.directory, status(deadlines.directory, token).id))
    record = slot.read(arguments=True)

    def broken(*_: object, **__: object) -> bool:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Slot, "move", broken)
    monkeypatch.setattr(Slot, "note", lambda *_: None)
    assert fire.fire(slot, record, fire.load(record.order.function), slot.state()[1]) == fire.DONE
    assert deadlines.acted() == ["done"]


def test_who_comes_second_does_nothing(deadlines: Any) -> None:
    token = arm(deadlines.directory, deadlines.order(seconds=3600.0))
    slot = Slot(os.path.join(deadlines.directory, status(deadlines.directory, token).id))
    record = slot.read(arguments=True)
    function = fire.load(record.order.function)
    assert fire.fire(slot, record, function, 1.0) == fire.BUSY, "it was extended meanwhile"
    with slot.locked("firing.lock") as held:
        assert held
        assert fire.fire(slot, record, function, slot.state()[1]) == fire.BUSY
    assert deadlines.acted() == []
