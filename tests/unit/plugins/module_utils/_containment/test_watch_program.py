# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that keeps an isolation in force, as real processes. They have nothing to put right here: it waits."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._containment import (
    revert,
    watch,
    watch_keepers,
    watching,
)
from ansible_collections.toombos.incident.plugins.module_utils._containment.deadlines import HostDeadlines
from ansible_collections.toombos.incident.plugins.module_utils._containment.record import Record, Records
from ansible_collections.toombos.incident.plugins.module_utils._containment.watch_keepers import WatchUnit, slot_below
from ansible_collections.toombos.incident.plugins.module_utils._containment.watching import HostWatch
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError


@pytest.fixture
def places(zoo: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A host whose isolation waits for its confirmation, without systemd."""
    monkeypatch.setattr(WatchUnit, "usable", lambda self: False)
    found = {"store_dir": str(zoo.home / "store"), "state_dir": str(zoo.home / "run")}
    deadline = Path(found["store_dir"], "deadlines", "0123456789abcdef")
    deadline.mkdir(parents=True)
    (deadline / "state.armed.99999999999").touch()
    Records(found["store_dir"]).write(
        Record("id", "INC-1", "why", "alice", 1.0, "nftables", (), {}, "", "boot", deadline.name)
    )
    return found


def roles(zoo: Any) -> dict[str, int]:
    """Role → pid."""
    return {each.argv[-1]: each.pid for each in zoo.alive() if "keep" in each.argv}


def test_two_processes_keep_it_and_each_other(zoo: Any, places: dict[str, str]) -> None:
    kept = HostWatch(**places)
    assert (kept.running(), kept.words()) == (False, "")
    kept.keep()
    assert kept.running()
    assert kept.words().startswith("pair: After a restart of the host it is in force again with the next call")
    first = roles(zoo)
    assert sorted(first) == ["0", "1"]
    os.kill(first["1"], signal.SIGKILL)
    zoo.until(lambda: roles(zoo).get("1", first["1"]) != first["1"])
    os.kill(first["0"], signal.SIGHUP)
    kept.forget()
    zoo.until(lambda: not roles(zoo))
    assert not kept.running()
    kept.forget()


def test_anew_it_takes_the_place_of_what_ran(zoo: Any, places: dict[str, str]) -> None:
    HostWatch(**places).keep()
    zoo.until(lambda: len([each for each in zoo.alive() if "keep" in each.argv]) == 2)  # a third may wait for a role
    before = set(roles(zoo).values())
    HostWatch(**places).keep()
    zoo.until(lambda: len(roles(zoo)) == 2 and not before & {each.pid for each in zoo.alive()})


def test_a_directory_that_takes_its_place_is_another_one(zoo: Any) -> None:
    slot = slot_below(str(zoo.home))
    for _ in range(20):  # file systems give the number of what was removed to what is made next
        os.mkdir(slot.path)
        with slot.pinned() as mine:
            assert mine == slot.inode() != 0
            os.rmdir(slot.path)
            os.mkdir(slot.path)
            assert slot.inode() not in (0, mine)
        os.rmdir(slot.path)
    with slot.pinned() as gone:
        assert gone == slot.inode() == 0


def test_without_a_record_it_ends_by_itself(zoo: Any, places: dict[str, str]) -> None:
    HostWatch(**places).keep()
    Records(places["store_dir"]).remove()
    zoo.until(lambda: not roles(zoo))


def test_a_program_that_cannot_run_is_no_watch(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "program_of", lambda _: "raise SystemExit('no luck')")
    kept = HostWatch(**places)
    with pytest.raises(IncidentError, match=r"keeps the isolation in force: its program cannot run \(no luck\)\."):
        kept.keep()
    assert not kept.running()
    assert not slot_below(os.path.join(places["store_dir"], "containment")).inode()


def test_where_nothing_can_run_it_that_is_said(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "candidates", lambda: [Sick(), Sick()])
    with pytest.raises(IncidentError, match=r"Read-only file system; .*Read-only file system\. Without that it is not"):
        HostWatch(**places).keep()


class Sick(watch_keepers.WatchPair):
    def start(self, slot: Any, python: str) -> str:
        raise OSError(30, "Read-only file system")


def test_the_unit_comes_before_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, ...]] = []
    (tmp_path / "units").mkdir()
    monkeypatch.setattr(
        "ansible_collections.toombos.incident.plugins.module_utils._deadman.systemd._systemctl",
        lambda *words: said.append(words) or "",
    )
    unit = WatchUnit(str(tmp_path), str(tmp_path / "units"))
    slot = slot_below("/var/lib/x y/containment")
    assert unit.start(slot, "/usr/bin/python3") == "in the unit toombos-incident-watch.service"
    text = (tmp_path / "units" / "toombos-incident-watch.service").read_text()
    assert 'ExecStart="/usr/bin/python3" -I "/var/lib/x y/containment/watch/program.py" keep\n' in text
    assert "\nBefore=network-pre.target shutdown.target\n" in text
    assert "\nDefaultDependencies=no\n" in text
    assert (tmp_path / "units" / "sysinit.target.wants" / "toombos-incident-watch.service").is_symlink()
    assert said == [("daemon-reload",), ("start", "toombos-incident-watch.service")]
    unit.forget(slot)
    assert not list((tmp_path / "units").glob("*.service"))


@pytest.mark.parametrize("damage", ["no arguments", "no record"])
def test_it_can_be_checked_before_it_is_relied_on(places: dict[str, str], damage: str, capfd: Any) -> None:
    slot = slot_below(os.path.join(places["store_dir"], "containment"))
    slot.create("", places)
    assert watch.main(slot.path, ["check"]) == 0
    if damage == "no record":
        Path(Records(places["store_dir"]).path).write_text("{")
    else:
        Path(slot.path, "arguments.json").unlink()
    assert watch.main(slot.path, ["check"]) == 1
    assert "Error: " in capfd.readouterr().err


class Steps:
    """A watcher with so many looks to go."""

    def __init__(self, *going: bool) -> None:
        self.going = list(going)

    def step(self) -> bool:
        return self.going.pop(0)


@pytest.fixture
def slot(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(watch, "_TICK", 0.01)
    found = slot_below(os.path.join(places["store_dir"], "containment"))
    found.create("", places)
    return found


def test_it_looks_until_there_is_nothing_to_keep(slot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[str] = []
    monkeypatch.setattr(watch_keepers.WatchPair, "forget", lambda self, one: forgotten.append(one.path))
    watcher = Steps(True, True, False)
    assert watch._keep(slot, watcher, "") == 0  # type: ignore[arg-type]
    assert (watcher.going, forgotten) == ([], [slot.path])


def test_what_keeps_it_anew_is_left_alone_by_what_kept_it_before(slot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[str] = []
    monkeypatch.setattr(watch_keepers.WatchPair, "forget", lambda self, one: forgotten.append(one.path))
    watcher = Steps(True, True, True)
    mine = slot.inode()
    inodes = iter([mine, mine + 1, mine + 1])
    monkeypatch.setattr(type(slot), "inode", lambda self: next(inodes))
    assert watch._keep(slot, watcher, "") == 0  # type: ignore[arg-type]
    assert (len(watcher.going), forgotten) == (1, [])


def test_a_role_that_somebody_has_is_not_taken(slot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_ROLE", 0.01)
    with slot.locked("keeper-0.lock"):
        assert watch._keep(slot, Steps(), "0") == 0  # type: ignore[arg-type]


def test_the_other_one_is_started_again(slot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(watch, "_ROLE", 0.01)
    monkeypatch.setattr(watch, "start_one", lambda _slot, _python, role: started.append(role))
    assert watch._keep(slot, Steps(True, False), "0") == 0  # type: ignore[arg-type]
    with slot.locked("keeper-1.lock"):
        assert watch._keep(slot, Steps(True, False), "0") == 0  # type: ignore[arg-type]
    assert started == ["1"]


def test_people_are_told_in_one_line_of_the_system_log(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr("syslog.syslog", lambda _level, line: lines.append(line))
    watch._log("two\nlines\0")
    assert lines == ["two lines?"]


def test_its_deadline_is_one_of_the_host_and_gets_the_directories(zoo: Any) -> None:
    store, state = str(zoo.home / "store"), str(zoo.home / "run")
    deadlines = HostDeadlines(store, state, f"{revert.__name__}:{revert.run.__name__}")
    token = deadlines.arm(3600.0, {"identity": "one", "backend": "nftables"}, "alice", "INC-1: a test")
    status = deadlines.status(token)
    assert (status.state, status.purpose, status.who, status.why) == ("armed", "containment", "alice", "INC-1: a test")
    assert deadlines.state(status.id) == "armed"
    assert len(deadlines.until(status.id)) == len("2026-11-28T03:50:00Z")
    arguments = Path(store, "deadlines", status.id, "arguments.json").read_text()
    assert json.loads(arguments) == {"identity": "one", "backend": "nftables", "store_dir": store, "state_dir": state}
    deadlines.settle()
    assert deadlines.call_off(token)
    assert (deadlines.state(status.id), deadlines.state("0123456789abcdef"), deadlines.until("no")) == (
        "called_off",
        "",
        "",
    )
