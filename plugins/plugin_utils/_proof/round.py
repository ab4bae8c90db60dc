# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One round of a proof as the controller carries it out: both sides listen, both sides try, at the same time."""

from __future__ import annotations

import ipaddress
import random
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._containment.ears import Ears
from ansible_collections.toombos.incident.plugins.module_utils._containment.probing import (
    ANSWERED,
    NOT_MADE,
    REFUSED,
    SILENT,
    attempt,
    attempts,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._proof.judge import Answer, Probe
from ansible_collections.toombos.incident.plugins.plugin_utils._proof.probes import KNOCK, LISTENER, version

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_PORTS = (20_000, 32_000)  # below those that a kernel gives away by itself
_PAUSE, _PATIENCE = 0.1, 0.5  # seconds between two knocks, and that one waits
Call = Callable[[Mapping[str, Any]], dict[str, Any]]  # ``ask`` → what the host says


@dataclass(frozen=True)
class Round:
    """``said``: what the host says; ``answers``: of every probe that was part of it."""

    said: Mapping[str, Any]
    answers: tuple[Answer, ...]


def source_of(address: str) -> str:
    """From which address this machine would come to that one; empty where there is no way, or it is its own."""
    family = _FAMILIES.get(version(address))
    if family is None:
        return ""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as link:
            link.connect((address, 9))
            source = str(link.getsockname()[0])
    except OSError:
        return ""
    return "" if source == address or ipaddress.ip_address(source.partition("%")[0]).is_loopback else source


def resolve(name: str) -> list[str]:
    """The addresses of a host, as the controller finds them."""
    try:
        return list(dict.fromkeys(str(each[4][0]) for each in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)))
    except (OSError, UnicodeError):
        return []


def choose(candidates: Sequence[str]) -> dict[str, str]:
    """Address of the host → that of the controller towards it: the first of each family that is elsewhere."""
    chosen: dict[int, tuple[str, str]] = {}
    for address in candidates:
        source = source_of(address)
        if source and version(address) not in chosen:
            chosen[version(address)] = (address, source)
    return dict(chosen[family] for family in sorted(chosen))


def carry_out(call: Call, inward: Sequence[Probe], outward: Sequence[Probe], word: str) -> Round:
    """Ask the host with ``call``, and meanwhile knock and listen. What ``call`` raises is raised."""
    port = random.SystemRandom().randint(*_PORTS)
    named = [probe for probe in outward if probe.what == LISTENER]
    places = [(probe.family, probe.protocol, probe.address, 0) for probe in named]
    with Ears(places, word.encode()) as ears:
        asked = [wire(probe, ears.ports.get(_place(probe), 0) or probe.port) for probe in outward]
        with _Knocking(inward, port, word.encode()) as knocking:
            said = call({"word": word, "port": port, "outward": asked})
    tried = said.get("outward") or [(NOT_MADE, "the host does not say")] * len(outward)
    went_out = [_out(probe, tuple(seen), ears.heard, ears.deaf) for probe, seen in zip(outward, tried, strict=False)]
    came_in = [_in(probe, knocking.seen[probe], said) for probe in inward]
    return Round(said, (*came_in, *went_out))


def ask_services(probes: Sequence[Probe]) -> list[Answer]:
    """From here, what listens on the host."""
    seen = attempts([wire(probe, probe.port) for probe in probes], b"\n")
    return [Answer(probe, *each) for probe, each in zip(probes, seen, strict=True)]


def as_dict(answer: Answer) -> dict[str, Any]:
    """For the result, from which ``as_answer`` makes it again."""
    return {**asdict(answer.probe), "seen": answer.seen, "why": answer.why}


def as_answer(told: Mapping[str, Any]) -> Answer:
    """Raises KeyError, TypeError for what is none."""
    known = {key: value for key, value in told.items() if key not in ("seen", "why")}
    return Answer(Probe(**known), str(told["seen"]), str(told["why"]))


def wire(probe: Probe, port: int) -> dict[str, Any]:
    """As ``probing.attempt`` takes it."""
    known = {key: getattr(probe, key) for key in ("family", "protocol", "address", "banner")}
    return {**known, "port": port, "say": probe.what == LISTENER}


def _place(probe: Probe) -> tuple[int, str, str]:
    return probe.family, probe.protocol, probe.address


def _out(
    probe: Probe, seen: Sequence[str], heard: set[tuple[int, str, str]], deaf: Mapping[tuple[int, str, str], str]
) -> Answer:
    if probe.what == LISTENER and _place(probe) in deaf:
        return Answer(probe, NOT_MADE, f"the controller cannot listen: {deaf[_place(probe)]}")
    if probe.what == LISTENER and _place(probe) in heard:
        return Answer(probe, ANSWERED, "the controller heard the host")
    return Answer(probe, str(seen[0]), str(seen[1]))


def _in(probe: Probe, seen: Sequence[str], said: Mapping[str, Any]) -> Answer:
    if probe.what != KNOCK:
        return Answer(probe, *seen)
    here = [probe.family, probe.protocol]
    if here in [list(each) for each in said.get("heard") or ()]:
        return Answer(probe, ANSWERED, "the host heard the controller")
    why = next((each[2] for each in said.get("deaf") or () if list(each[:2]) == here), "")
    if why:
        return Answer(probe, NOT_MADE, f"the host cannot listen: {why}")
    if seen[0] == ANSWERED:
        return Answer(probe, REFUSED, "connected, and the host did not hear it")
    return Answer(probe, *seen)


class _Knocking:
    """Knocks at the host until the context ends. ``seen``: what came of the last knock of each probe."""

    def __init__(self, probes: Sequence[Probe], port: int, word: bytes) -> None:
        self.seen: dict[Probe, Sequence[str]] = dict.fromkeys(probes, (NOT_MADE, "there was no time"))
        self._port, self._word = port, word
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._knock, args=(probe,), daemon=True) for probe in probes]

    def __enter__(self) -> _Knocking:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_error: Any) -> None:
        self._over.set()
        for each in self._threads:
            each.join(5)

    def _knock(self, probe: Probe) -> None:
        asked = {**wire(probe, self._port), "say": True}
        if probe.protocol == "icmp":
            self.seen[probe] = attempt(asked, self._word)
            return
        while not self._over.is_set():
            seen = attempt(asked, self._word, _PATIENCE)
            # One answer counts, whatever becomes of the next knock.
            if self.seen[probe][0] != ANSWERED or seen[0] == ANSWERED:
                self.seen[probe] = seen
            self._over.wait(_PAUSE if seen[0] != SILENT else 0)
