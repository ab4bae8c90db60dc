# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps an isolation in force: when it puts things right, when it does nothing, and what it tells."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from isolation_world import World, plan, text

from ansible_collections.toombos.incident.plugins.module_utils._containment.record import Record
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import Locked

B = "198.51.100.0/24"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A host that is isolated and confirmed."""
    made = World(tmp_path)
    made.confirmed()
    return made


def kept(world: World) -> Record:
    record = world.records.read()
    assert record is not None
    return record


@pytest.mark.parametrize(("found", "words"), [("", "had been removed"), ("rules\nmore", "had been changed")])
def test_what_was_removed_or_changed_is_back_and_told(world: World, found: str, words: str) -> None:
    watcher = world.watcher()
    for times in (1, 2):
        world.nft.rules = found
        assert watcher.step()
        assert world.nft.rules == text(plan().flows)
        known = world.records.tampering()
        assert (known["count"], [event["found"] for event in known["events"]]) == (times, [found] * times)
        assert 0 < known["first"] <= known["last"]
        assert world.told[-1] == f"the rules that isolate this host {words}; they are back ({times} times until now)"
    assert world.release().more["tampering"]["count"] == 2


def test_where_all_is_well_nothing_happens(world: World) -> None:
    before = list(world.effect.done)
    assert world.watcher().step()
    assert (world.effect.done, world.told, world.records.tampering()["count"]) == (before, [], 0)


def test_a_restart_of_the_host_is_no_tampering(world: World) -> None:
    world.records.write(replace(kept(world), boot="another"))
    world.nft.rules = ""
    watcher = world.watcher()
    assert watcher.step()
    assert world.told == ["the host was restarted, its isolation is in force again"]
    assert world.records.tampering()["count"] == 0
    world.nft.rules = ""
    assert watcher.step()
    assert world.records.tampering()["count"] == 1


def test_listings_that_another_version_writes_differently_are_put_in_place_once(world: World) -> None:
    world.records.write(replace(kept(world), listing="as an older one wrote it", boot="another"))
    watcher = world.watcher()
    assert watcher.step()
    before = list(world.effect.done)
    assert watcher.step()
    assert world.effect.done == before


@pytest.mark.parametrize("then", ["waits", "fires"])
def test_what_waits_for_its_confirmation_is_left_alone(world: World, then: str) -> None:
    world.isolate(B)
    world.nft.rules = ""
    before = list(world.effect.done)
    assert world.watcher().step()
    assert world.effect.done == before
    if then == "fires":
        world.deadlines.come()
        assert world.watcher().step()
        assert world.nft.rules == text(plan().flows), "what was confirmed before"


def test_a_confirmation_that_was_ended_before_it_was_written_down_is_finished(world: World) -> None:
    world.records.write(replace(kept(world), confirmed=False))
    assert world.watcher().step()
    assert kept(world).confirmed


def test_without_a_record_there_is_nothing_to_keep(world: World) -> None:
    world.release()
    assert world.watcher().step() is False
    assert world.rules == ""


def test_while_somebody_changes_it_nothing_is_done(world: World) -> None:
    def taken() -> contextlib.AbstractContextManager[None]:
        raise Locked("a release is at work")

    world.nft.rules = ""
    assert world.watcher(taken).step()
    assert (world.nft.rules, world.told) == ("", [])


def test_what_was_released_while_it_looked_stays_released(world: World) -> None:
    @contextlib.contextmanager
    def release_first() -> Iterator[None]:
        world.release()
        yield

    world.nft.rules = "tampered"
    assert world.watcher(release_first).step()
    assert (world.rules, world.records.tampering()["count"]) == ("", 0)


def test_a_record_that_cannot_be_read_is_no_reason_to_let_go(world: World) -> None:
    watcher = world.watcher()
    assert watcher.step()
    Path(world.records.path).write_text("{")
    world.nft.rules = ""
    assert watcher.step()
    assert world.nft.rules == text(plan().flows)
    assert "cannot be read" in world.told[0]


def test_started_without_a_readable_record_it_says_so_once(world: World) -> None:
    Path(world.records.path).write_text("{")
    watcher = world.watcher()
    assert watcher.step()
    assert watcher.step()
    assert len(world.told) == 1
    assert world.told[0].startswith("the isolation of this host cannot be kept in force: ")


def test_what_cannot_be_put_back_is_tried_again_and_told_once(world: World) -> None:
    world.nft.rules = ""
    world.effect.failing = {"isolate nftables": "nft: busy."}
    watcher = world.watcher()
    assert watcher.step()
    assert watcher.step()
    assert world.told == ["the isolation of this host cannot be kept in force: nft: busy."]
    world.effect.failing = {}
    assert watcher.step()
    assert world.nft.rules == text(plan().flows)


def test_a_full_disk_loses_the_note_and_not_the_isolation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        "ansible_collections.toombos.incident.plugins.module_utils._containment.record.write_atomic", full
    )
    world.nft.rules = ""
    assert world.watcher().step()
    assert world.nft.rules == text(plan().flows)
    assert "they are back" in world.told[0]


def test_of_many_events_the_last_ones_are_kept(world: World) -> None:
    for number in range(1, 31):
        world.records.note_tampering(float(number), "x" * 5000)
    known = world.records.tampering()
    assert (known["count"], known["first"], known["last"], len(known["events"])) == (30, 1.0, 30.0, 20)
    assert len(known["events"][0]["found"]) == 2000


def test_a_note_that_cannot_be_read_is_begun_anew(world: World) -> None:
    Path(world.records.tampering_path).write_text('{"count": 7}')
    assert world.records.note_tampering(1.0, "x")["count"] == 1
