# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting, extending, calling off, and what is left of each."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._deadman import deadline as module, types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.boot import boottime
from ansible_collections.toombos.incident.plugins.module_utils._deadman.deadline import (
    arm,
    call_off,
    extend,
    orders,
    settle,
    status,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError


def slot_of(deadlines: Any) -> Path:
    (name,) = os.listdir(deadlines.directory)
    return Path(deadlines.directory, name)


def test_it_comes_once_and_says_what_came_of_it(deadlines: Any) -> None:
    began = boottime()
    token = arm(deadlines.directory, deadlines.order(seconds=1.0))
    armed = boottime()
    deadlines.zoo.until(deadlines.acted)
    assert began + 1.0 <= boottime() <= armed + 3.0
    deadlines.zoo.until(lambda: status(deadlines.directory, token).state == t.FIRED)
    deadlines.zoo.until(lambda: not deadlines.zoo.alive())
    assert deadlines.acted() == ["done"]
    seen = status(deadlines.directory, token)
    assert (seen.outcome.ok, seen.outcome.message, seen.outcome.attempts) == (True, "written after 1.0s", 1)
    assert call_off(deadlines.directory, token) is False
    assert extend(deadlines.directory, token, 60.0) is False


def test_called_off_in_time_it_never_comes(deadlines: Any) -> None:
    token = arm(deadlines.directory, deadlines.order(seconds=1.0))
    assert call_off(deadlines.directory, token) is True
    assert call_off(deadlines.directory, token) is True, "who lost the answer asks again"
    deadlines.zoo.until(lambda: not deadlines.zoo.alive())
    assert settle(deadlines.directory)[0].state == t.CALLED_OFF
    assert deadlines.acted() == []


def test_an_extension_counts_from_now(deadlines: Any) -> None:
    token = arm(deadlines.directory, deadlines.order(seconds=1.0))
    assert extend(deadlines.directory, token, 100.0) is True
    assert 95 < status(deadlines.directory, token).left <= 100
    assert extend(deadlines.directory, token, 0.2) is True
    deadlines.zoo.until(deadlines.acted, 3.0)


def test_who_has_set_it_and_why_can_be_read(deadlines: Any) -> None:
    token = arm(deadlines.directory, deadlines.order(seconds=100.0))
    (seen,) = orders(deadlines.directory)
    assert (seen.state, seen.purpose, seen.who, seen.why) == (t.ARMED, "trial", "alice", "to see it")
    assert 95 < seen.left <= 100
    assert abs(seen.deadline - seen.armed - 100) < 10
    assert seen.keeper.startswith(("pair", "systemd"))
    assert "restart" in seen.reboot
    assert seen.id == status(deadlines.directory, token).id


def test_nothing_of_it_is_for_others_and_the_token_is_nowhere(deadlines: Any) -> None:
    token = arm(deadlines.directory, deadlines.order(text="geheim", seconds=100.0))
    assert len(token) == 32
    slot = slot_of(deadlines)
    for path in (slot, slot.parent, slot.parent.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in slot.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert token not in path.read_text()
    said = [process.command_line for process in deadlines.zoo.alive()]
    assert said
    assert not [line for line in said if token in line or "geheim" in line]


def test_what_is_over_keeps_no_arguments(deadlines: Any) -> None:
    token = arm(deadlines.directory, deadlines.order(text="geheim"))
    call_off(deadlines.directory, token)
    assert not {"arguments.json", "program.py"} & set(os.listdir(slot_of(deadlines)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"purpose": "two words"}, "needs a purpose of one word"),
        ({"seconds": 0.0}, "and a time"),
        ({"action": "no_such"}, "AttributeError: .*no_such"),
        ({"nonsense": 1}, "got an unexpected keyword argument 'nonsense'"),
        ({"action": "write:no"}, "is no function of this collection"),
    ],
)
def test_what_cannot_be_set_is_refused_and_leaves_nothing(deadlines: Any, changes: Any, said: str) -> None:
    with pytest.raises(IncidentError, match=said):
        arm(deadlines.directory, deadlines.order(**changes))
    assert orders(deadlines.directory) == ()
    assert deadlines.zoo.alive() == []


def test_a_function_of_somebody_else_is_refused(deadlines: Any) -> None:
    order = t.Order("trial", "os:system", {"command": "true"}, 60.0)
    with pytest.raises(IncidentError, match="'os:system' is no function of this collection"):
        arm(deadlines.directory, order)


def test_without_a_keeper_there_is_no_deadline(deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sick:
        name, reboot = "sick", ""

        def start(self, slot: Any, python: str) -> str:
            raise IncidentError("It does not start.")

    monkeypatch.setattr(module, "candidates", lambda: [Sick(), Sick()])
    with pytest.raises(IncidentError, match=r"It does not start.; It does not start. Nothing was changed"):
        arm(deadlines.directory, deadlines.order())
    assert os.listdir(deadlines.directory) == []


def test_a_full_disk_is_refused(deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.Slot, "write", full)
    with pytest.raises(IncidentError, match=r"No space left on device.*Is the disk full"):
        arm(deadlines.directory, deadlines.order())
    assert os.listdir(deadlines.directory) == []


def test_a_directory_that_others_may_write_to_is_refused(deadlines: Any) -> None:
    os.makedirs(deadlines.directory, mode=0o700)
    os.chmod(deadlines.directory, 0o770)
    with pytest.raises(IncidentError, match="is no directory that only we may write to"):
        arm(deadlines.directory, deadlines.order())
    assert stat.S_IMODE(os.stat(deadlines.directory).st_mode) == 0o770


def test_a_python_that_does_not_know_itself_is_refused(deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(IncidentError, match="ansible_python_interpreter"):
        arm(deadlines.directory, deadlines.order())


def test_a_wrong_token_is_refused(deadlines: Any) -> None:
    token = arm(deadlines.directory, deadlines.order())
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    for ask in (lambda: call_off(deadlines.directory, wrong), lambda: extend(deadlines.directory, wrong, 1.0)):
        with pytest.raises(IncidentError, match="There is no deadline with this token"):
            ask()
    assert status(deadlines.directory, token).state == t.ARMED


def test_a_digest_that_only_begins_alike_is_no_key(deadlines: Any) -> None:
    token = arm(deadlines.directory, deadlines.order())
    path = slot_of(deadlines) / "order.json"
    record = json.loads(path.read_text())
    record["digest"] = record["digest"][:16] + "0" * 48
    path.write_text(json.dumps(record))
    with pytest.raises(IncidentError, match="There is no deadline with this token"):
        call_off(deadlines.directory, token)


def test_what_cannot_be_written_is_not_called_off(deadlines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = arm(deadlines.directory, deadlines.order())

    def broken(*_: object, **__: object) -> bool:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(module.Slot, "move", broken)
    with pytest.raises(IncidentError, match=r"cannot be changed: Read-only file system. It stays in force"):
        call_off(deadlines.directory, token)
    monkeypatch.undo()
    assert status(deadlines.directory, token).state == t.ARMED


def test_a_damaged_one_hides_no_other(deadlines: Any) -> None:
    arm(deadlines.directory, deadlines.order())
    (slot_of(deadlines) / "order.json").write_text("{")
    arm(deadlines.directory, deadlines.order())
    assert sorted(seen.state for seen in settle(deadlines.directory)) == [t.ARMED, t.DAMAGED]


def test_where_there_are_none_nothing_is_made(tmp_path: Path) -> None:
    assert settle(str(tmp_path / "none")) == ()
    assert not (tmp_path / "none").exists()
