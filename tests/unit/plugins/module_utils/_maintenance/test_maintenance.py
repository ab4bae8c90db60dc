# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance mode on, moved and off, with real files, commands and deadlines."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._deadman import deadline
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._maintenance import control as module, switch
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.control import maintain
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.place import Place
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.plan import Wish
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.types import Flag, Switch

WHY = "migration of the database"


class Host:
    def __init__(self, zoo: Any) -> None:
        self.zoo = zoo
        self.home: Path = zoo.home
        self.store = str(zoo.home / "store")
        self.flag: Path = zoo.home / "run" / "maintenance.json"
        self.log: Path = zoo.home / "commands"
        self.switch = Switch((self.say("on"),), (self.say("off"),), Flag(str(self.flag), 0o640), 10.0)

    def say(self, word: str) -> tuple[str, ...]:
        return ("sh", "-c", f"echo {word} >>{self.log}")

    def wish(self, **changes: Any) -> Wish:
        return replace(Wish(True, "alice", WHY, 0.0, self.switch), **changes)

    def on(self, apply: bool = True, **changes: Any) -> Any:
        return maintain(self.store, self.wish(**changes), apply)

    def off(self, apply: bool = True, **changes: Any) -> Any:
        return maintain(self.store, Wish(False, "bob", **changes), apply)

    def said(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []

    def deadlines(self) -> list[str]:
        return [each.state for each in deadline.orders(str(Path(self.store, "deadlines")))]


@pytest.fixture
def host(zoo: Any) -> Host:
    return Host(zoo)


def test_on_once_and_off_once(host: Host) -> None:
    first = host.on()
    assert (first.changed, first.state, host.said()) == (True, "present", ["on"])
    assert stat.S_IMODE(host.flag.stat().st_mode) == 0o640
    said = json.loads(host.flag.read_text())
    assert (said["reason"], said["by"], said["until"]) == (WHY, "alice", first.until)
    assert stat.S_IMODE(Path(host.store, "maintenance.json").stat().st_mode) == 0o600
    (kept,) = deadline.orders(str(Path(host.store, "deadlines")))
    assert (kept.state, kept.purpose, kept.who, kept.why) == ("armed", "maintenance", "alice", WHY)
    assert 3500 < kept.left <= 3600, "an hour, where nothing else is said"
    second = host.on()
    assert (second.changed, second.until, host.said()) == (False, first.until, ["on"])
    ended = host.off()
    assert (ended.changed, ended.state, ended.until, host.said()) == (True, "absent", "", ["on", "off"])
    assert (host.flag.exists(), host.deadlines()) == (False, ["called_off"])
    again = host.off()
    assert (again.changed, again.message, host.said()) == (False, "maintenance mode is off", ["on", "off"])


def test_it_ends_by_itself(host: Host) -> None:
    host.on(expires=2.0)
    assert host.flag.exists()
    host.zoo.until(lambda: host.deadlines() == ["fired"])
    assert (host.flag.exists(), host.said(), Path(host.store, "maintenance.json").exists()) == (
        False,
        ["on", "off"],
        False,
    )
    (kept,) = deadline.orders(str(Path(host.store, "deadlines")))
    assert kept.outcome.message == "turned off by its deadline"
    assert host.off().changed is False


def test_a_rehearsal_changes_nothing_and_says_what_would_change(host: Host) -> None:
    outcome = host.on(apply=False)
    assert (outcome.changed, outcome.before, outcome.after["reason"]) == (True, {"state": "absent"}, WHY)
    assert os.listdir(host.home) == []
    host.on()
    before = {path: path.read_bytes() for path in host.home.rglob("*") if path.is_file()}
    assert host.on(apply=False).changed is False
    assert host.on(apply=False, expires=60.0).changed is True
    assert host.off(apply=False).after == {"state": "absent"}
    assert {path: path.read_bytes() for path in host.home.rglob("*") if path.is_file()} == before


def test_expires_moves_the_end(host: Host) -> None:
    first = host.on(expires=600.0)
    moved = host.on(expires=1200.0)
    assert (moved.changed, host.said()) == (True, ["on"])
    assert moved.until > first.until
    assert json.loads(host.flag.read_text())["until"] == moved.until
    (kept,) = deadline.orders(str(Path(host.store, "deadlines")))
    assert 1190 < kept.left <= 1200
    assert host.off().message.startswith("maintenance mode is off; it was on since")
    assert not host.flag.exists(), "the new one is ours as well"


def test_another_reason_is_a_change_and_leaves_the_end(host: Host) -> None:
    first = host.on()
    second = host.on(reason="it takes longer than we thought")
    assert (second.changed, second.until) == (True, first.until)
    assert json.loads(host.flag.read_text())["reason"] == "it takes longer than we thought"


def test_a_flag_that_somebody_has_removed_comes_back(host: Host) -> None:
    host.on()
    host.flag.unlink()
    assert host.on().changed is True
    assert host.flag.exists()


def test_a_flag_of_somebody_else_is_neither_replaced_nor_removed(host: Host) -> None:
    host.flag.parent.mkdir()
    host.flag.write_text("theirs")
    with pytest.raises(IncidentError, match="is not ours: somebody else has put it there"):
        host.on()
    assert (host.deadlines(), host.said()) == ([], [])
    assert (
        host.off(switch=host.switch).message == "maintenance mode is off; a flag is there that is not ours, and stays"
    )
    host.flag.unlink()
    host.on()
    host.flag.write_text("theirs")
    with pytest.raises(IncidentError, match="is not ours"):
        host.on(reason="another reason, alice")
    ended = host.off()
    assert ended.message.endswith(f"; the flag {host.flag} is not ours any more, and was left")
    assert host.flag.read_text() == "theirs"


def test_a_link_is_no_flag_of_ours(host: Host) -> None:
    host.on()
    content = host.flag.read_bytes()
    (host.home / "elsewhere").write_bytes(content)
    host.flag.unlink()
    host.flag.symlink_to(host.home / "elsewhere")
    host.off()
    assert host.flag.is_symlink()


def test_what_fails_half_way_is_off_again(host: Host) -> None:
    bad = replace(host.switch, on=(host.say("on"), ("sh", "-c", "echo password=geheim-123 >&2; exit 3")))
    with pytest.raises(
        IncidentError, match=r"ended with 3: password=\*\*\*. What was turned on is off again"
    ) as failed:
        host.on(switch=bad)
    assert "geheim" not in str(failed.value).replace("echo password=geheim-123", "")
    assert (host.said(), host.flag.exists(), host.deadlines()) == (["on", "off"], False, ["called_off"])
    assert not Path(host.store, "maintenance.json").exists()
    assert host.on().changed is True


def test_a_flag_that_cannot_be_put_is_off_again(host: Host) -> None:
    with pytest.raises(IncidentError, match=r"cannot be given to its owner: .*no-such-user.* is off again"):
        host.on(switch=replace(host.switch, flag=Flag(str(host.flag), owner="no-such-user")))
    (host.home / "file").write_text("")
    with pytest.raises(IncidentError, match=r"File exists.*\. What was turned on is off again"):
        host.on(switch=replace(host.switch, flag=Flag(str(host.home / "file" / "flag"))))
    assert host.deadlines() == ["called_off"] * 2


def test_what_cannot_be_turned_off_stays_on_record_with_its_deadline(host: Host) -> None:
    stuck = replace(host.switch, off=(host.say("off"), ("sh", "-c", f"test -e {host.home}/repaired")))
    host.on(switch=stuck)
    with pytest.raises(IncidentError, match="ended with 1"):
        host.off()
    assert (host.deadlines(), host.flag.exists()) == (["armed"], False)
    (host.home / "repaired").touch()
    assert host.off().changed is True
    assert host.deadlines() == ["called_off"]


def test_neither_on_nor_off_again_is_said(host: Host) -> None:
    bad = replace(host.switch, on=(("false",),), off=(("false",),))
    with pytest.raises(IncidentError, match=r"could NOT be turned off again \(.*\); its deadline tries that at 2"):
        host.on(switch=bad)
    assert host.deadlines() == ["armed"]


def test_without_a_deadline_nothing_is_turned_on(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise IncidentError("No deadline could be set: the disk is full.")

    monkeypatch.setattr(deadline, "arm", refuse)
    with pytest.raises(IncidentError, match="No deadline could be set"):
        host.on()
    assert (host.said(), host.flag.exists()) == ([], False)


def test_who_is_killed_in_the_middle_leaves_an_end(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "put_flag", lambda *_: (each for each in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        host.on(expires=60.0)
    monkeypatch.undo()
    assert (host.said(), host.deadlines()) == (["on"], ["armed"])
    assert host.on().changed is True, "what was not completed is"
    assert (host.said(), host.flag.exists()) == (["on", "on"], True)
    assert host.on().changed is False


def test_one_whose_end_is_not_kept_any_more_gets_a_new_one(host: Host) -> None:
    host.on()
    mode = Place(host.store).read()
    deadline.call_off(str(Path(host.store, "deadlines")), mode.token)
    assert host.on().changed is True
    assert sorted(host.deadlines()) == ["armed", "called_off"]
    assert Place(host.store).read().since == mode.since
    Place(host.store).write(replace(Place(host.store).read(), token="0" * 32))
    assert host.on().changed is True
    assert host.off().changed is True


def test_an_old_deadline_does_not_end_a_new_one(host: Host) -> None:
    host.on()
    assert switch.expire(host.store, "an earlier one") == "it was off already"
    assert host.flag.exists()
    assert switch.expire(str(host.home / "none"), "x") == "nothing is on"


def test_what_has_ended_in_this_moment_is_not_extended(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.on()
    monkeypatch.setattr(deadline, "extend", lambda *_: False)
    with pytest.raises(IncidentError, match=r"It has ended in this moment\. Run again"):
        host.on(expires=60.0)


def test_the_overdue_one_is_ended_by_the_next_call(host: Host) -> None:
    """Nothing of it runs any more, as after a restart of a host without systemd."""
    host.on(expires=2.0)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for process in host.zoo.alive():
            os.kill(process.pid, number)
    time.sleep(2.2)
    assert host.flag.exists()
    assert host.off().changed is False
    assert (host.flag.exists(), host.said()) == (False, ["on", "off"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": "because"}, "needs a reason of at least 10 characters"),
        ({"expires": 86401.0}, "lasts for 24 hours at most"),
        ({"switch": None}, "It is not declared what turns maintenance mode on"),
    ],
)
def test_what_must_not_be_done_is_refused(host: Host, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(IncidentError, match=said):
        host.on(**changes)
    assert host.deadlines() == []


def test_another_switch_meanwhile_is_refused(host: Host) -> None:
    host.on()
    with pytest.raises(
        IncidentError, match=r"by another switch than incident_maintenance declares now\. Turn it off first"
    ):
        host.on(switch=replace(host.switch, timeout=11.0))


def test_a_damaged_record_is_not_taken_for_none(host: Host) -> None:
    host.on()
    Path(host.store, "maintenance.json").write_text("{")
    for ask in (host.on, host.off):
        with pytest.raises(IncidentError, match="it is not known what is turned on"):
            ask()


def test_one_at_a_time(host: Host) -> None:
    host.on()
    place = Place(host.store)
    with place.locked(), pytest.raises(IncidentError, match="by somebody else"), place.locked(0.1):
        pass


def test_a_store_that_cannot_be_used_is_refused(host: Host) -> None:
    (host.home / "file").write_text("")
    with pytest.raises(IncidentError, match="file is no directory that only we may write to"):
        maintain(str(host.home / "file" / "store"), host.wish(), True)
    with pytest.raises(IncidentError, match=r"/proc/none cannot be used: .* Run with become: true"):
        maintain("/proc/none", host.wish(), True)


def test_a_flag_without_commands_and_with_words_of_its_own(host: Host) -> None:
    only = Switch(flag=Flag(str(host.flag), content="on\n"))
    assert host.on(switch=only).changed is True
    assert host.flag.read_text() == "on\n"
    assert host.on(switch=only).changed is False
    assert host.off().changed is True
    assert not host.flag.exists()


def test_a_record_written_down_is_the_same_when_read(host: Host) -> None:
    host.on()
    place = Place(host.store)
    mode = place.read()
    place.write(mode)
    assert place.read() == mode
    assert (mode.switch, mode.complete) == (host.switch, True)
    assert module.observe(place, host.wish()).flag == "ours"
