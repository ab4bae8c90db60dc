# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way through an isolation: what is done in which order, and what comes of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from isolation_world import NEW, OLD, OTHERS, World, plan, text

from ansible_collections.toombos.incident.plugins.module_utils._containment import outcomes as o
from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as d
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

A, B = "192.0.2.0/24", "198.51.100.0/24"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_it_is_armed_and_recorded_before_anything_is_cut(world: World) -> None:
    done = world.isolate()
    assert world.effect.done == ["arm", "write", "isolate nftables", "write"]
    assert (done.outcome, done.changed, done.token, done.until) == (o.ISOLATED, True, "token0", 1000.0)
    record = world.records.read()
    assert record is not None
    assert (record.incident, record.reason, record.who) == ("INC-1", "a test of it", "alice")
    assert (record.deadline, record.listing, record.confirmed) == ("id0", text(plan().flows), False)
    assert record.others == {"nftables": OTHERS}
    assert world.deadlines.known["token0"].arguments == {"identity": record.id, "backend": "nftables"}
    assert os.stat(world.records.path).st_mode & 0o777 == 0o600


def test_where_no_deadline_can_be_set_nothing_is_changed(world: World) -> None:
    world.effect.failing = {"arm": "No deadline could be set."}
    with pytest.raises(IncidentError, match="No deadline"):
        world.isolate()
    assert (world.effect.done, world.at_rest()) == ([], "released")


def test_where_it_cannot_be_recorded_nothing_is_changed(world: World) -> None:
    world.effect.failing = {"write": "The disk is full."}
    with pytest.raises(IncidentError, match="full"):
        world.isolate()
    assert world.effect.done == ["arm", "call_off"]
    assert world.at_rest() == "released"


@pytest.mark.parametrize("how", ["refused", "not there", "late"])
def test_what_does_not_come_into_force_as_it_should_is_undone(world: World, how: str) -> None:
    if how == "refused":
        world.effect.failing = {"isolate nftables": "nft: no buffer space."}
    if how == "not there":
        world.nft.takes = False
    if how == "late":
        world.deadlines.state = (  # type: ignore[method-assign]
            lambda identity: d.FIRED if "isolate nftables" in world.effect.done else d.ARMED
        )
    done = world.isolate()
    assert (done.outcome, done.token) == (o.ROLLED_BACK, "")
    assert world.at_rest() == "released"
    assert world.deadlines.known["token0"].state == d.CALLED_OFF
    assert ("isolate nftables" in world.effect.done) is (how != "refused")


def test_a_host_that_is_slower_than_its_deadline_is_not_cut_at_all(world: World) -> None:
    world.deadlines.state = lambda identity: d.FIRING  # type: ignore[method-assign]
    done = world.isolate()
    assert done.outcome == o.ROLLED_BACK
    assert done.words.startswith("the deadline came before the host was isolated")
    assert "isolate nftables" not in world.effect.done
    assert world.at_rest() == "released"


def test_what_cannot_be_undone_keeps_its_deadline(world: World) -> None:
    world.isolate()
    world.nft.rules += "\nsomething else"
    world.effect.failing = {"release nftables": "nft: Device or resource busy."}
    done = world.engine().confirm("token0", NEW)
    assert (done.outcome, done.token) == (o.ROLLBACK_FAILED, "token0")
    assert "changed our rules since; and it could not be undone: nft: Device or resource busy." in done.words
    world.check()
    world.effect.failing = {}
    world.deadlines.come()
    assert world.at_rest() == "released"


def test_confirmed_it_is_kept_before_the_deadline_is_called_off(world: World) -> None:
    done = world.confirmed()
    assert world.effect.done[4:] == ["keep", "call_off", "write"]
    assert (done.outcome, done.changed) == (o.CONFIRMED, True)
    world.deadlines.come()
    assert world.at_rest() == f"confirmed {A}"
    again = world.engine().confirm("token0", NEW)
    assert (again.outcome, again.changed) == (o.CONFIRMED, False)


def test_the_connection_that_isolated_proves_nothing(world: World) -> None:
    world.isolate()
    with pytest.raises(IncidentError, match=r"over which it was isolated \(192\.0\.2\.1 port 50000\)") as caught:
        world.engine().confirm("token0", OLD)
    assert caught.value.result == {"outcome": o.ISOLATED}
    assert world.deadlines.known["token0"].state == d.ARMED


def test_without_something_that_keeps_it_it_is_not_confirmed(world: World) -> None:
    world.isolate()
    world.effect.failing = {"keep": "No."}
    with pytest.raises(IncidentError, match="No"):
        world.engine().confirm("token0", NEW)
    world.check()
    world.deadlines.come()
    assert world.at_rest() == "released"


def test_rules_that_were_changed_meanwhile_are_not_confirmed(world: World) -> None:
    world.isolate()
    world.nft.rules = ""
    done = world.engine().confirm("token0", NEW)
    assert (done.outcome, done.words) == (
        o.ROLLED_BACK,
        "not confirmed: somebody has changed our rules since; released",
    )
    assert world.at_rest() == "released"


def test_a_confirmation_that_comes_too_late_says_so(world: World) -> None:
    world.isolate()
    world.deadlines.come()
    done = world.engine().confirm("token0", NEW)
    assert (done.outcome, done.changed) == (o.ROLLED_BACK, False)
    assert done.words == "it was not confirmed in time, and the host went back: released"
    assert world.at_rest() == "released"


def test_a_host_that_could_not_go_back_says_so(world: World) -> None:
    world.isolate()
    world.effect.failing = {"release nftables": "busy."}
    world.deadlines.come()
    done = world.engine().confirm("token0", NEW)
    assert (done.outcome, done.words[-5:]) == (o.ROLLBACK_FAILED, "busy.")


def test_an_unknown_token_confirms_nothing(world: World) -> None:
    world.isolate()
    with pytest.raises(IncidentError, match="no deadline with this token"):
        world.engine().confirm("token7", NEW)


def test_the_deadline_that_wins_the_race_is_believed(world: World) -> None:
    world.isolate()

    def come() -> None:
        world.watch.there = True
        world.deadlines.come()

    world.watch.keep = come  # type: ignore[method-assign]
    done = world.engine().confirm("token0", NEW)
    assert done.outcome == o.ROLLED_BACK
    assert world.at_rest() == "released"


def test_a_second_time_nothing_is_changed(world: World) -> None:
    world.confirmed()
    before = list(world.effect.done)
    done = world.isolate()
    assert (done.outcome, done.changed, done.token) == (o.UNCHANGED, False, "")
    assert world.effect.done == before


@pytest.mark.parametrize(("lost", "words"), [("rules", "its rules"), ("watch", "what keeps them")])
def test_a_second_time_brings_back_what_was_removed(world: World, lost: str, words: str) -> None:
    world.confirmed()
    if lost == "rules":
        world.nft.rules = ""
    else:
        world.watch.there = False
    done = world.isolate()
    assert (done.outcome, done.changed) == (o.CONFIRMED, True)
    assert done.words == f"it was isolated before; {words} had been removed, and is back"
    assert world.at_rest() == f"confirmed {A}"


def test_other_flows_have_a_window_of_their_own_and_go_back_to_those_before(world: World) -> None:
    world.confirmed(A)
    assert world.isolate(B).outcome == o.ISOLATED
    assert world.nft.rules == text(plan(B).flows)
    world.deadlines.come()
    assert world.at_rest() == f"confirmed {A}"


def test_other_flows_are_confirmed(world: World) -> None:
    world.confirmed(A)
    assert world.confirmed(B).outcome == o.CONFIRMED
    world.deadlines.come()
    assert world.at_rest() == f"confirmed {B}"
    world.release()
    assert world.at_rest() == "released"


def test_what_the_flows_before_have_counted_is_kept(world: World) -> None:
    first = world.confirmed(A).record
    second = world.isolate(B).record
    assert first is not None
    assert second is not None
    kept = json.loads(Path(world.records.folder, "history", f"{first.id}.json").read_text())
    assert (kept["end"]["replaced_by"], kept["end"]["counters"][1]["packets"]) == (second.id, 7)


def test_a_second_attempt_takes_the_place_of_the_first(world: World) -> None:
    """The deadline of the first one must not end the second."""
    world.isolate(A)
    world.isolate(B)
    (first, second) = world.deadlines.known.values()
    assert world.engine().undo(**first.arguments) == "another isolation has taken its place"
    assert world.nft.rules == text(plan(B).flows)
    assert world.engine().confirm("token0", NEW).outcome == o.ROLLED_BACK
    assert world.engine().confirm("token1", NEW).outcome == o.CONFIRMED
    assert second.state == d.CALLED_OFF
    world.deadlines.come()
    assert world.at_rest() == f"confirmed {B}"


def test_another_packet_filter_takes_over_without_a_gap(world: World) -> None:
    world.confirmed(A)
    before = len(world.effect.done)
    world.isolate(A, backend="iptables")
    assert world.effect.done[before + 2 :] == ["isolate iptables", "release nftables", "write"]
    world.deadlines.come()
    assert world.effect.done[-3:] == ["isolate nftables", "release iptables", "write"]
    assert world.at_rest() == f"confirmed {A}"


def test_released_everything_is_as_before_and_what_was_counted_is_kept(world: World) -> None:
    world.confirmed()
    before = len(world.effect.done)
    done = world.release()
    assert world.effect.done[before:] == ["forget", "release nftables", "remove"]
    assert (done.outcome, done.changed, done.more["restored"]) == (o.RELEASED, True, True)
    assert done.more["counters"][1]["packets"] == 7
    assert Path(done.more["archive"]).read_text().count('"packets": 7') == 1
    assert world.at_rest() == "released"
    again = world.release()
    assert (again.outcome, again.changed) == (o.UNCHANGED, False)


def test_what_others_have_changed_meanwhile_stays_and_is_told(world: World) -> None:
    world.confirmed()
    world.nft.theirs = "table inet changed"
    done = world.release()
    assert done.more["restored"] is False
    assert "others have changed their own rules" in done.words


def test_a_full_disk_keeps_no_host_isolated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.confirmed()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        "ansible_collections.toombos.incident.plugins.module_utils._containment.record.write_atomic", full
    )
    assert world.release().outcome == o.RELEASED
    assert world.at_rest() == "released"


def test_a_damaged_record_keeps_no_host_isolated(world: World) -> None:
    world.confirmed()
    Path(world.records.path).write_text("{")
    with pytest.raises(IncidentError, match="cannot be read"):
        world.isolate()
    assert world.release().outcome == o.RELEASED
    assert world.at_rest() == "released"


def test_a_damaged_record_does_not_keep_the_deadline_from_ending_it(world: World) -> None:
    world.isolate()
    Path(world.records.path).write_text("[]")
    world.deadlines.come()
    assert world.at_rest() == "released"


def test_rules_that_nobody_knows_of_are_released_too(world: World) -> None:
    world.iptables.rules = "left"
    assert world.release().outcome == o.RELEASED
    assert world.at_rest() == "released"


def test_an_isolation_whose_deadline_is_gone_is_undone_by_the_next_call(world: World) -> None:
    world.isolate()
    world.deadlines.known.clear()
    assert world.engine().settle() == "an isolation without a deadline was undone: released"
    assert world.at_rest() == "released"


def test_while_the_deadline_waits_the_next_call_leaves_it_alone(world: World) -> None:
    world.isolate()
    assert world.engine().settle() == ""
    assert world.nft.rules


def test_what_was_left_without_somebody_who_keeps_it_is_kept_again_by_the_next_call(world: World) -> None:
    world.confirmed()
    world.watch.there = False
    world.effect.failing = {"keep": "No."}
    assert world.engine().settle() == "nothing keeps the isolation in force"
    world.effect.failing = {}
    assert world.engine().settle() == "what keeps the isolation in force was started again"
    assert world.engine().settle() == ""
    assert world.at_rest() == f"confirmed {A}"


def test_what_others_had_is_what_they_had_before_the_first_isolation(world: World) -> None:
    world.confirmed(A)
    world.nft.theirs = "changed while it was isolated"
    world.confirmed(B)
    record = world.records.read()
    assert record is not None
    assert record.others == {"nftables": OTHERS}
    assert world.release().more["restored"] is False


def test_a_release_that_leaves_rules_is_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.confirmed(A)
    monkeypatch.setattr(world.nft, "release", lambda: None)
    with pytest.raises(IncidentError, match="nftables still holds rules of ours"):
        world.release()
    record = world.records.read()
    assert record is not None
    assert record.confirmed


def test_a_release_with_the_token_calls_the_deadline_off(world: World) -> None:
    token = world.isolate(A).token
    assert world.engine().release({"incident": "INC-1"}, token).outcome == o.RELEASED
    assert world.deadlines.known[token].state == d.CALLED_OFF


def test_a_deadline_ends_nothing_that_is_confirmed(world: World) -> None:
    world.confirmed(A)
    record = world.records.read()
    assert record is not None
    assert world.engine().undo(record.id, "nftables") == "it was confirmed"
    assert world.at_rest() == f"confirmed {A}"


def test_a_packet_filter_that_is_not_known_is_an_error(world: World) -> None:
    with pytest.raises(IncidentError, match="no packet filter 'pf'"):
        world.isolate(A, backend="pf")
    assert world.effect.done == []


@pytest.mark.parametrize("way", ["deadline", "release", "deadline, record lost"])
def test_a_packet_filter_that_fails_just_now_is_not_taken_for_one_without_rules(world: World, way: str) -> None:
    world.isolate(A)
    world.nft.broken = "nft did not answer in time"
    if way == "deadline, record lost":
        Path(world.records.path).unlink()
    world.effect.failing = {"release nftables": "nft did not answer in time."}
    if way == "release":
        with pytest.raises(IncidentError, match="in time"):
            world.release()
    world.deadlines.come()
    assert world.deadlines.known["token0"].state == d.FAILED
    world.effect.failing = {}
    if way == "deadline, record lost":
        return
    assert world.engine().settle() == "an isolation without a deadline was undone: released"
    assert world.at_rest() == "released"
