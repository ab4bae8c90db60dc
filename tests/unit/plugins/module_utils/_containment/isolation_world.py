# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in memory that can be isolated, and be killed between any two things that it does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.engine import Containment, Done, Request
from ansible_collections.toombos.incident.plugins.module_utils._containment.filters import Filters
from ansible_collections.toombos.incident.plugins.module_utils._containment.record import Record, Records
from ansible_collections.toombos.incident.plugins.module_utils._containment.watch import Watcher
from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as d
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

OLD, NEW = "192.0.2.1 50000 192.0.2.9 22", "192.0.2.1 50001 192.0.2.9 22"
OTHERS = "table inet theirs"


class Killed(BaseException):
    """The process is gone: nothing that would clean up runs."""


class Effects:
    """Everything that changes the host, counted; ``kill_at``: the number of the one before which it is killed."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.kill_at = -1
        self.failing: dict[str, str] = {}

    def __call__(self, name: str) -> None:
        if len(self.done) == self.kill_at:
            raise Killed(name)
        if name in self.failing:
            raise IncidentError(self.failing[name])
        self.done.append(name)


class Filter:
    """A packet filter: what it holds is the text of its flows."""

    def __init__(self, name: str, effects: Effects) -> None:
        self.name, self.effect = name, effects
        self.rules, self.theirs, self.broken = "", OTHERS, ""
        self.takes = True

    def unusable(self) -> str:
        return self.broken

    def rehearse(self, flows: Iterable[t.Flow]) -> str:
        return text(flows)

    def isolate(self, flows: Iterable[t.Flow]) -> None:
        self.effect(f"isolate {self.name}")
        self.rules = text(flows) if self.takes else ""

    def release(self) -> None:
        self.effect(f"release {self.name}")
        self.rules = ""

    def ours(self) -> str:
        return self.rules

    def others(self) -> str:
        return self.theirs

    def intact(self, expected: str) -> bool:
        return self.rules == expected

    def counters(self) -> list[dict[str, Any]]:
        return [
            {"chain": "input", "rule": 'accept comment "no drop here"', "packets": 5, "bytes": 500},
            {"chain": "input", "rule": 'counter drop comment "cut"', "packets": 7, "bytes": 700},
        ]


def text(flows: Iterable[t.Flow]) -> str:
    return "\n".join(["rules", *(f"{flow.network} {flow.port}" for flow in flows)])


@dataclass
class Deadline:
    identity: str
    state: str = d.ARMED
    outcome: d.Outcome | None = None
    arguments: dict[str, Any] = field(default_factory=dict)


class FakeDeadlines:
    """As the real ones: exactly one of a call-off and its function happens."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.known: dict[str, Deadline] = {}

    def arm(self, seconds: float, arguments: Any, who: str, why: str) -> str:
        assert seconds > 0
        assert who
        assert why
        self.world.effect("arm")
        token = f"token{len(self.known)}"
        self.known[token] = Deadline(f"id{len(self.known)}", arguments=dict(arguments))
        return token

    def call_off(self, token: str) -> bool:
        self.world.effect("call_off")
        one = self._find(token)
        if one.state == d.ARMED:
            one.state = d.CALLED_OFF
        return one.state == d.CALLED_OFF

    def status(self, token: str) -> d.Status:
        one = self._find(token)
        return d.Status(one.identity, one.state, deadline=1000.0, outcome=one.outcome)

    def state(self, identity: str) -> str:
        return next((one.state for one in self.known.values() if one.identity == identity), "")

    def until(self, identity: str) -> str:
        return f"until {identity}"

    def settle(self) -> None:
        """Nobody needs it here: ``come`` says when."""

    def come(self) -> None:
        """The time of all that are armed has come; one that was ended in the middle begins again."""
        for one in self.known.values():
            if one.state in (d.ARMED, d.FIRING):
                one.state = d.FIRING
                try:
                    words = self.world.engine().undo(**one.arguments)
                except IncidentError as error:
                    one.state, one.outcome = d.FAILED, d.Outcome(False, str(error), 5, 0.0)
                else:
                    one.state, one.outcome = d.FIRED, d.Outcome(True, words, 1, 0.0)

    def _find(self, token: str) -> Deadline:
        if token not in self.known:
            raise IncidentError("There is no deadline with this token on this host.")
        return self.known[token]


class FakeWatch:
    def __init__(self, effects: Effects) -> None:
        self.effect = effects
        self.there = False

    def keep(self) -> None:
        self.effect("keep")
        self.there = True

    def running(self) -> bool:
        return self.there

    def forget(self) -> None:
        self.effect("forget")
        self.there = False


class CountedRecords(Records):
    def __init__(self, store: str, effects: Effects) -> None:
        super().__init__(store)
        self.effect = effects

    def write(self, record: Record) -> None:
        self.effect("write")
        super().write(record)

    def remove(self) -> None:
        self.effect("remove")
        super().remove()


class World:
    """The host. ``engine`` is a new process each time."""

    def __init__(self, home: Path) -> None:
        self.effect = Effects()
        self.records = CountedRecords(str(home / "store"), self.effect)
        self.nft, self.iptables = Filter("nftables", self.effect), Filter("iptables", self.effect)
        self.filters = Filters({"nftables": self.nft, "iptables": self.iptables})
        self.deadlines = FakeDeadlines(self)
        self.watch = FakeWatch(self.effect)
        self.told: list[str] = []

    def engine(self) -> Containment:
        return Containment(self.records, self.filters, self.deadlines, self.watch, Clock())

    def isolate(self, network: str = "192.0.2.0/24", backend: str = "nftables", **more: Any) -> Done:
        asked = {"incident": "INC-1", "reason": "a test of it", "who": "alice", "seconds": 60.0, "connection": OLD}
        return self.engine().isolate(plan(network, backend), Request(**{**asked, **more}))

    def confirmed(self, network: str = "192.0.2.0/24") -> Done:
        return self.engine().confirm(self.isolate(network).token, NEW)

    def release(self) -> Done:
        return self.engine().release({"incident": "INC-1", "reason": "it is over", "who": "bob"})

    def reboot(self) -> None:
        """Rules are gone with the kernel; what watches starts; every deadline that is armed comes."""
        self.nft.rules = self.iptables.rules = ""
        self.looks()
        self.deadlines.come()
        self.looks()

    def looks(self) -> None:
        """What watches looks once, where it runs; with nothing left to keep it ends."""
        if self.watch.there and not self.watcher().step():
            self.watch.there = False

    def watcher(self, lock: Any = contextlib.nullcontext) -> Watcher:
        return Watcher(self.records, self.filters, self.deadlines.state, lock, self.told.append)

    @property
    def rules(self) -> str:
        return self.nft.rules + self.iptables.rules

    def check(self) -> None:
        """The promise: what is in force is confirmed, or ends by itself."""
        if not self.rules:
            return
        record = self.records.read()
        assert record is not None, "rules that nobody knows of"
        decided = self.deadlines.state(record.deadline)
        assert record.confirmed or decided in (d.ARMED, d.FIRING, d.CALLED_OFF), "nothing will end it"

    def at_rest(self) -> str:
        """Nothing waits: either everything of an isolation is there, or nothing."""
        record = self.records.read()
        if record is None:
            assert (self.rules, self.watch.there) == ("", False)
            return "released"
        assert record.confirmed
        assert record.previous is None
        assert self.filters.get(record.backend).intact(record.listing)
        assert self.watch.there
        return f"confirmed {record.flows[0].network}"


def plan(network: str = "192.0.2.0/24", backend: str = "nftables") -> t.Plan:
    return t.Plan(backend, (t.Flow(4, t.IN, network, t.TCP, 22, t.MANAGEMENT),), ())
