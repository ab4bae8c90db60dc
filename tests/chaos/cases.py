# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A seed becomes a list of cases, and nothing else decides: the same seed and number always name the same case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

MOCKS = ("crm", "platform")
STANDINS = ("prometheus", "alertmanager", "grafana", "loki")
SERVICES = ("supervisord", "main", *MOCKS, *STANDINS)
# What the catalogue calls them.
NAMES = {"crm": "mock_crm", "platform": "mock_platform"}
_LOGS = ("halcytone.log", "crm-mock.log", "platform-mock.log", "supervisord.log", "grafana.log", "*")
# On a host; in a lab the stand-ins are plain processes, and supervisord is, too.
UNITS = {
    "supervisord": "supervisor.service",
    "prometheus": "prometheus.service",
    "alertmanager": "prometheus-alertmanager.service",
    "grafana": "grafana-server.service",
    "loki": "loki.service",
}
LAB, CONTAINERS = WORLDS = ("lab", "containers")
PLAYBOOK_EVERY = 25
DOUBLE = 0.45  # share of cases with two faults

Params = Mapping[str, Any]
_NOBODY: frozenset[str] = frozenset()
_MAIN = frozenset({"main"})
_BOTH = frozenset({"supervisord", "main"})


@dataclass(frozen=True)
class Effect:
    """What a fault does to the lab, as far as a second fault and the judge must know it.

    ``needs``: what must be as it should for the fault to take; ``ruins``: what is not so any more. ``reported``: the
    service that a recovery must not or cannot cure, with the ``conditions`` that may name it. ``flaps``: services
    that come and go by themselves, so that a look before the recovery means nothing.
    """

    needs: frozenset[str] = _NOBODY
    ruins: frozenset[str] = _NOBODY
    reported: str = ""
    conditions: frozenset[str] = _NOBODY
    flaps: frozenset[str] = _NOBODY


@dataclass(frozen=True)
class Kind:
    """A kind of fault: how often it is drawn, its parameters, what they do, and in which worlds that can happen."""

    weight: int
    effect: Callable[[Params], Effect]
    draw: Callable[[Random], dict[str, Any]] = lambda _random: {}
    worlds: tuple[str, ...] = WORLDS


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    kind: str
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def effect(self) -> Effect:
        """What it does."""
        return KINDS[self.kind].effect(self.params)

    def __str__(self) -> str:
        return " ".join([self.kind, *(f"{key}={value}" for key, value in self.params.items())])


@dataclass(frozen=True)
class Case:
    """Some faults and the way in which the recovery is run.

    ``mode``: ``module`` (as Ansible runs it on a host), ``playbook`` (the whole main job), ``cut`` (a first one gets
    ``cut["signal"]`` after ``cut["after"]`` seconds) or ``twice`` (a second one starts ``cut["after"]`` seconds later,
    and waits ``cut["patience"]`` for the first one).
    """

    number: int
    faults: tuple[Fault, ...]
    mode: str
    cut: dict[str, Any] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """The lines of the table in which it counts."""
        mode = {"cut": "(recovery cut short)", "twice": "(two recoveries)", "playbook": "(whole playbook)"}
        return (*dict.fromkeys(fault.kind for fault in self.faults), *([mode[self.mode]] if self.mode in mode else []))

    def __str__(self) -> str:
        how = " ".join([self.mode, *(f"{key}={value}" for key, value in self.cut.items())])
        return " + ".join(map(str, self.faults)) + f" [{how}]"


def _always(
    needs: frozenset[str] = _NOBODY, ruins: frozenset[str] = _NOBODY, *conditions: str, flaps: frozenset[str] = _NOBODY
) -> Callable[[Params], Effect]:
    effect = Effect(needs, ruins, "main" if conditions else "", frozenset(conditions), flaps)
    return lambda _params: effect


def _signal_effect(params: Params) -> Effect:
    service, which = params["service"], params["signal"]
    hit = frozenset({service})
    if service == "supervisord":
        # Its end takes main along when it is asked politely, and orphans it otherwise.
        return Effect(_BOTH, _BOTH)
    if service == "main":
        return Effect(_BOTH, _MAIN, flaps=_NOBODY if which == "STOP" else _MAIN)
    if service in STANDINS and which == "STOP":
        return Effect(hit, hit, service, frozenset({"hung"}))
    return Effect(hit, hit)


def _systemctl_effect(params: Params) -> Effect:
    service = params["service"]
    hit = frozenset({service})
    return Effect(_BOTH, _BOTH) if service == "supervisord" else Effect(hit, hit)


def _port_effect(params: Params) -> Effect:
    service = params["service"]
    hit = frozenset({service})
    needs = hit if service != "main" else _BOTH
    # One that answers what the probes want to hear is not seen by them; then the manager contradicts.
    return Effect(needs, hit, service, frozenset({"foreign", "unknown"}))


def _draw_signal(random: Random) -> dict[str, Any]:
    service = random.choice(("supervisord", "main", "main", "crm", "crm", "platform", "platform", *STANDINS))
    which = random.choice(("parent", "worker")) if service in MOCKS else "parent"
    return {"service": service, "which": which, "signal": random.choice(("KILL", "STOP", "TERM"))}


def _draw_port(random: Random) -> dict[str, Any]:
    return {
        "service": random.choice(("main", *MOCKS, *STANDINS)),
        "answer": random.choice(("404", "silent", "impostor")),
    }


def _draw_systemctl(random: Random) -> dict[str, Any]:
    return {"service": random.choice(list(UNITS)), "verb": random.choice(("stop", "kill", "kill --signal=KILL"))}


def _draw_record(random: Random) -> dict[str, Any]:
    file = random.choice(
        ("mock_crm", "mock_platform", "supervisord", "prometheus", "starts.json", "leases.json", "recovery.lock")
    )
    return {"file": file, "how": random.choice(("delete", "garbage", "wrong pid", "empty"))}


KINDS: dict[str, Kind] = {
    "stop": Kind(2, _always(_BOTH, _MAIN)),
    "kill": Kind(2, _always(frozenset({"crm"}), frozenset({"crm"}))),
    "kill-worker": Kind(2, _always(frozenset({"crm"}), frozenset({"crm"}))),
    "kill-main": Kind(2, _always(_BOTH, _MAIN, flaps=_MAIN)),
    "hang": Kind(2, _always(_BOTH, _MAIN)),
    "hang-crm": Kind(2, _always(frozenset({"crm"}), frozenset({"crm"}))),
    "crash-loop": Kind(1, _always(_BOTH, _MAIN, "crash_loop", "failed", flaps=_MAIN)),
    "crash-late": Kind(1, _always(_BOTH | {"logs"}, _MAIN, "crash_loop", "failed", flaps=_MAIN)),
    "bad-env": Kind(1, _always(_BOTH, _MAIN, "bad_config", flaps=_MAIN)),
    "errors": Kind(2, _always(_BOTH, _MAIN)),
    "foreign": Kind(2, _always(_BOTH, _MAIN, "foreign")),
    "orphan": Kind(2, _always(_BOTH, _MAIN)),
    "supervisord-gone": Kind(2, _always(_BOTH, _BOTH)),
    "supervisord-and-main-gone": Kind(2, _always(_BOTH, _BOTH)),
    "all-down": Kind(2, _always(_NOBODY, frozenset({"supervisord", "main", *MOCKS}))),
    "stale-temp": Kind(2, _always(_BOTH, _MAIN)),
    "env-repaired": Kind(1, _always(_BOTH, _MAIN, flaps=_MAIN)),
    "signal": Kind(12, _signal_effect, _draw_signal),
    "port": Kind(4, _port_effect, _draw_port),
    "record": Kind(3, _always(), _draw_record),
    "pidfile": Kind(1, _always()),
    "temp": Kind(2, _always(), lambda random: {"entries": random.choice((1, 20, 500))}),
    "logs": Kind(2, _always(_NOBODY, frozenset({"logs"})), lambda random: {"file": random.choice(_LOGS)}),
    "systemctl": Kind(4, _systemctl_effect, _draw_systemctl, (CONTAINERS,)),
}


def case(seed: int, number: int, world: str = LAB) -> Case:
    """The case of this number in this world."""
    random = Random(f"{seed}:{number}")
    kinds = {kind: about.weight for kind, about in KINDS.items() if world in about.worlds}
    deck = [kind for kind, weight in kinds.items() for _card in range(weight)]
    # A shuffled deck rather than dice: every kind comes up in each round, also in a short campaign.
    Random(f"{seed}:round {number // len(deck)}").shuffle(deck)
    faults = [_draw(deck[number % len(deck)], random)]
    if random.random() < DOUBLE:
        faults += _second(faults[0], kinds, random)
    if number % PLAYBOOK_EVERY == PLAYBOOK_EVERY - 1:
        return Case(number, tuple(faults), "playbook")
    mode = random.choices(("module", "cut", "twice"), (70, 20, 10))[0]
    cut: dict[str, Any] = {}
    if mode == "cut":
        cut = {"signal": random.choice(("KILL", "KILL", "TERM", "HUP")), "after": round(random.uniform(0.2, 2.5), 2)}
    elif mode == "twice":
        cut = {"after": round(random.uniform(0.0, 0.3), 2), "patience": random.choice(("0s", "30s"))}
    return Case(number, tuple(faults), mode, cut)


def _second(first: Fault, kinds: Mapping[str, int], random: Random) -> list[Fault]:
    """A fault that still finds what it needs after the first one."""
    for _try in range(20):
        drawn = random.choices(list(kinds), list(kinds.values()))[0]
        second = _draw(drawn, random)
        if second.kind != first.kind and not second.effect.needs & first.effect.ruins:
            return [second]
    return []


def _draw(kind: str, random: Random) -> Fault:
    return Fault(kind, KINDS[kind].draw(random))
