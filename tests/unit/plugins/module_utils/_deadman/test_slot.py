# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a deadline is the name of a file."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._deadman import boot, slot as module, types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import Slot
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import Stat


@pytest.fixture
def slot(tmp_path: Path) -> Slot:
    made = Slot(str(tmp_path / "0123456789abcdef"))
    made.create("", {})
    assert made.move(t.ARMING, t.ARMED, until=12.3456)
    return made


def test_only_one_of_many_moves_it(slot: Slot) -> None:
    won: list[str] = []
    ready = threading.Barrier(8)

    def race(new: str) -> None:
        ready.wait()
        if slot.move(t.ARMED, new, was=12.346):
            won.append(new)

    threads = [threading.Thread(target=race, args=(new,)) for new in (t.FIRING, t.CALLED_OFF) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [slot.state()[0]] == won


def test_an_extended_one_is_not_moved_by_who_saw_it_before(slot: Slot) -> None:
    assert slot.state() == (t.ARMED, 12.346)
    assert slot.move(t.ARMED, t.ARMED, until=99.0, was=12.346)
    assert slot.move(t.ARMED, t.FIRING, was=12.346) is False
    assert slot.state() == (t.ARMED, 99.0)


def test_a_name_that_is_being_changed_is_looked_for_again(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [[], ["order.json"], ["state.armed.12346", "state.firing"]]
    monkeypatch.setattr(module.os, "listdir", lambda _path: answers.pop(0))
    assert slot.state() == (t.FIRING, 0.0), "of two the later one"
    monkeypatch.setattr(module.os, "listdir", lambda _path: [])
    monkeypatch.setattr(module.time, "sleep", lambda _seconds: None)
    assert slot.state() == (t.DAMAGED, 0.0)


def test_attempts_are_counted_where_there_is_space(slot: Slot) -> None:
    assert [slot.begin(), slot.begin()] == [1, 2]
    os.unlink(os.path.join(slot.path, "begun"))
    assert slot.begin() == 1


def test_what_is_no_record_is_damaged(slot: Slot) -> None:
    Path(slot.path, "order.json").write_text('{"order": {"nonsense": 1}}')
    with pytest.raises(ValueError, match="is damaged"):
        slot.read()


def test_an_error_of_the_lock_is_one(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(module.fcntl, "flock", broken)
    with pytest.raises(OSError, match="No locks available"):
        slot.held("firing.lock")


def test_it_is_due_by_time_or_after_a_restart(slot: Slot) -> None:
    here = boot.this_boot()
    assert slot.due(here, boot.boottime() - 0.1)
    assert not slot.due(here, boot.boottime() + 60)
    assert slot.due("another boot", boot.boottime() + 60)


def test_a_container_that_is_restarted_has_another_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    before = boot.this_boot()
    assert before == boot.this_boot()
    monkeypatch.setattr(boot, "read_stat", lambda _pid: Stat(1, 0, 1, 1, 1234567890123, "S"))
    assert boot.this_boot() not in ("", before)
    monkeypatch.setattr(boot, "read_stat", lambda _pid: None)
    assert boot.this_boot().endswith("-0")


def test_removing_takes_the_state_first(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[str] = []
    unlink = os.unlink
    monkeypatch.setattr(module.os, "unlink", lambda path: (gone.append(os.path.basename(path)), unlink(path)))
    slot.remove()
    assert gone[0] == "state.armed.12346"
    assert not os.path.exists(slot.path)
