# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the module, and what the other one tells: options in, result out, with a host in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from isolation_world import NEW, OLD, World, text

from ansible_collections.toombos.incident.plugins.module_utils._containment import (
    call,
    host as host_module,
    info,
    outcomes as o,
    revert,
    types as t,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._options import CONTAINMENT

REASON = "unknown key of root, alice"


class Call:
    """``seen``: of the host; ``connection``: over which it is called."""

    def __init__(self, world: World, home: Path) -> None:
        self.world, self.connection = world, OLD
        self.places = {"store_dir": str(home / "store"), "state_dir": str(home / "run")}
        self.addresses: tuple[str, ...] = ("192.0.2.9",)

    def seen(self) -> t.Seen:
        client, port, server, own = self.connection.split()
        session = t.Session(client, int(port), server, int(own))
        return t.Seen(session, (22,), self.addresses, ("nftables", "iptables"))

    def __call__(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        spec = CONTAINMENT["argument_spec"]
        params = {name: option.get("default") for name, option in spec.items()}
        given = {"owner": "alice", "incident": "INC-1", "reason": REASON, "state": "isolated", **self.places}
        return call.contain({**params, **given, **options}, check_mode)

    def info(self) -> dict[str, Any]:
        return info.standing(self.places)


@pytest.fixture
def contain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    world = World(tmp_path)
    made = Call(world, tmp_path)

    class Words:
        def __init__(self, *_: object) -> None: ...

        def __getattr__(self, name: str) -> Any:
            return getattr(world.watch, name)

        def words(self) -> str:
            return "something" if world.watch.there else ""

    monkeypatch.setattr(host_module, "backends", lambda: {"nftables": world.nft, "iptables": world.iptables})
    monkeypatch.setattr(host_module, "HostDeadlines", lambda *_: world.deadlines)
    monkeypatch.setattr(host_module, "HostWatch", Words)
    monkeypatch.setattr(call, "observe", lambda _: made.seen())
    monkeypatch.setattr(call, "connection_of", lambda: made.connection)
    return made


def test_a_host_is_isolated_confirmed_and_released(contain: Call) -> None:
    first = contain(management=["192.0.2.0/24"])
    assert (first["outcome"], first["changed"], first["failed"], first["until"]) == (
        o.ISOLATED,
        True,
        False,
        "1970-01-01T00:16:40Z",
    )
    assert first["diff"]["before"] == ""
    assert first["diff"]["after"] == "rules\n192.0.2.0/24 22\n"
    assert first["plan"] == [
        {"direction": "in", "network": "192.0.2.0/24", "protocol": "tcp", "port": 22, "why": "management"}
    ]
    assert first["msg"] == "isolated for INC-1: isolated, and it waits for its confirmation"
    assert (contain.info()["state"], contain.info()["until"]) == ("isolated", "until id0")
    contain.connection = NEW
    second = contain(state="confirmed", token=first["token"])
    assert (second["outcome"], second["changed"], second["failed"]) == (o.CONFIRMED, True, False)
    assert second["proof"]["cut"] == 7
    assert second["proof"]["allowed"] == NEW
    assert second["proof"]["flows"] == ["in from 192.0.2.0/24 tcp/22 (management)"]
    seen = contain.info()
    assert (seen["state"], seen["in_force"], seen["backend"], seen["cut"]) == ("confirmed", True, "nftables", 7)
    assert seen["until"] == ""
    assert (seen["kept_by"], seen["problems"], seen["isolation"]["who"]) == ("something", [], "alice")
    third = contain(state="released", reason="reinstalled, alice")
    assert (third["outcome"], third["changed"], third["restored"], third["diff"]["after"]) == (
        o.RELEASED,
        True,
        True,
        "",
    )
    assert contain(state="released")["changed"] is False
    assert (contain.info()["state"], contain.info()["isolation"]) == ("released", {})


def test_what_is_isolated_already_is_not_changed(contain: Call) -> None:
    token = contain(management=["192.0.2.0/24"])["token"]
    contain.connection = NEW
    contain(state="confirmed", token=token)
    again = contain(state="confirmed", management=["192.0.2.0/24"])
    assert (again["outcome"], again["changed"], again["failed"]) == (o.UNCHANGED, False, False)
    assert "diff" not in again
    shown = contain(check_mode=True, management=["192.0.2.0/24"])
    assert (shown["outcome"], shown["changed"], shown["diff"]["before"] == shown["diff"]["after"]) == (
        o.UNCHANGED,
        False,
        True,
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"management": ["10.0.0.0/33"]}, "is no address and no network"),
        ({"management": ["0.0.0.0/0"]}, "is too wide"),
        ({"management": ["192.0.2.9"]}, "names this host itself"),
        ({"management": ["203.0.113.0/24"], "keep_responder": False}, "it would be cut. Add it. Nothing was changed."),
        ({"protected": ["192.0.2.9"]}, "This host is protected"),
        ({"ssh_port": 2222}, "this connection came to port 22"),
        ({"force": True, "reason": "because", "management": []}, "force needs a reason of at least 10 characters"),
        ({"state": "released", "reason": "over"}, "A release needs a reason of at least 10 characters"),
        ({"state": "released", "incident": " "}, "needs the incident"),
        ({"confirm": "1s"}, "a host waits 2 seconds to 1 hour for its confirmation"),
        ({"confirm": "2h"}, "a host waits 2 seconds to 1 hour for its confirmation"),
        ({"token": "token0"}, "in force already"),
        ({"approve": "0123456789abcdef"}, "something is different by now"),
        ({"state": "confirmed", "token": "token9"}, "no deadline with this token"),
    ],
)
def test_what_must_not_be_done_is_refused_and_changes_nothing(
    contain: Call, options: dict[str, Any], words: str
) -> None:
    for check_mode in (True, False):
        with pytest.raises(IncidentError) as caught:
            contain(check_mode=check_mode, **options)
        assert words in str(caught.value)
    assert contain.world.effect.done == []


def test_a_refusal_that_is_overridden_is_on_record(contain: Call) -> None:
    done = contain(protected=["192.0.2.9"], force=True)
    assert done["outcome"] == o.ISOLATED
    assert done["overrides"][0].startswith("This host is protected")
    assert contain.info()["isolation"]["overrides"] == done["overrides"]


def test_what_could_not_work_is_not_overridden(contain: Call) -> None:
    with pytest.raises(IncidentError, match="names this host itself") as caught:
        contain(management=["192.0.2.9"], force=True)
    assert caught.value.result["refusals"]
    assert "force" not in str(caught.value)
    assert contain.world.effect.done == []


def test_a_rehearsal_changes_nothing(contain: Call) -> None:
    shown = contain(check_mode=True, management=["192.0.2.0/24"])
    assert (shown["outcome"], shown["changed"], shown["backend"]) == (o.PLANNED, True, "nftables")
    assert (shown["diff"]["before"], shown["diff"]["after"]) == ("", "rules\n192.0.2.0/24 22\n")
    assert contain.world.effect.done == []
    assert contain(approve=shown["plan_hash"], management=["192.0.2.0/24"])["plan_hash"] == shown["plan_hash"]
    before = list(contain.world.effect.done)
    assert contain(check_mode=True, state="released")["changed"] is True
    assert contain(check_mode=True, state="confirmed", token="token0")["changed"] is True
    assert contain.world.effect.done == before


def test_another_incident_releases_nothing_without_force(contain: Call) -> None:
    contain()
    with pytest.raises(IncidentError, match="this host was isolated for INC-1, not for INC-2"):
        contain(state="released", incident="INC-2")
    assert contain.world.nft.rules
    done = contain(state="released", incident="INC-2", force=True)
    assert (done["outcome"], len(done["overrides"])) == (o.RELEASED, 1)


def test_what_did_not_stay_fails(contain: Call) -> None:
    token = contain()["token"]
    contain.world.deadlines.come()
    contain.connection = NEW
    late = contain(state="confirmed", token=token)
    assert (late["outcome"], late["failed"]) == (o.ROLLED_BACK, True)


def test_what_was_finished_first_is_told(contain: Call) -> None:
    contain()
    contain.world.deadlines.known.clear()
    assert contain.info()["state"] == "left_behind"
    assert "nothing will end" in contain.info()["problems"][0]
    again = contain()
    assert again["msg"].endswith("; before that, an isolation without a deadline was undone: released")


def test_the_deadline_releases_by_itself(contain: Call) -> None:
    contain()
    record = contain.world.records.read()
    assert record is not None
    assert revert.run(identity=record.id, backend="nftables", **contain.places) == "released"
    assert contain.world.at_rest() == "released"
    assert revert.run(identity=record.id, backend="nftables", **contain.places) == "released"


def test_the_deadline_waits_for_no_lock_that_hangs(contain: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    contain()
    record = contain.world.records.read()
    assert record is not None
    monkeypatch.setattr(revert, "_PATIENCE", 0.1)
    host = host_module.Host(**contain.places)
    with host.locked("somebody who hangs", 1.0):
        assert revert.run(identity=record.id, backend="nftables", **contain.places) == "released"
        with pytest.raises(IncidentError, match=r"Another containment is at work on this host .*somebody who hangs"):
            contain(lock_timeout="0")


def test_problems_are_told(contain: Call) -> None:
    token = contain()["token"]
    contain.connection = NEW
    contain(state="confirmed", token=token)
    contain.world.nft.rules = "tampered"
    contain.world.watch.there = False
    contain.world.records.note_tampering(1.0, "nothing")
    seen = contain.info()
    assert (seen["state"], seen["in_force"], len(seen["problems"])) == ("confirmed", False, 2)
    assert seen["tampering"] == {
        "count": 1,
        "first": "1970-01-01T00:00:01Z",
        "last": "1970-01-01T00:00:01Z",
        "events": [{"at": "1970-01-01T00:00:01Z", "found": "nothing"}],
    }
    Path(contain.world.records.path).write_text("{")
    assert contain.info()["state"] == "unknown"
    assert contain(state="released", incident="INC-7")["outcome"] == o.RELEASED


def test_rules_without_a_record_are_told(contain: Call) -> None:
    contain.world.nft.rules = text(())
    assert contain.info()["state"] == "left_behind"


def test_it_stays_confirmed_when_its_deadline_is_long_forgotten(contain: Call) -> None:
    token = contain(management=["192.0.2.0/24"])["token"]
    contain.connection = NEW
    contain(state="confirmed", token=token)
    contain.world.deadlines.known.clear()
    assert contain.info()["state"] == "confirmed"
    again = contain(management=["192.0.2.0/24"])
    assert (again["outcome"], again["changed"]) == (o.UNCHANGED, False)
    assert contain.world.at_rest() == "confirmed 192.0.2.0/24"
