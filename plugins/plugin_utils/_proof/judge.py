# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the probes of a proof say. Pure.

What could not be asked is no proof, and neither is silence where nobody answered before.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._containment.probing import (
    ANSWERED,
    NOT_MADE,
    REFUSED,
    SILENT,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable

DEAD, OPEN, EITHER = "dead", "open", "either"
HELD = "held"  # it answered before, and is cut
KEPT = "kept"  # it has to answer, and does
GOT_THROUGH = "got_through"
LOST = "lost"
SAYS_NOTHING = "says_nothing"
VERDICTS = (HELD, KEPT, GOT_THROUGH, LOST, SAYS_NOTHING, NOT_MADE)

PROVED, NOT_PROVED, DISPROVED = "proved", "not_proved", "disproved"
CONTROLLER, HOST, WITNESS = "controller", "host", "witness"
UNKNOWN = "unknown"  # what was seen before, where nobody has looked

_LONGEST = 200  # characters of what a host says about one probe
_THROUGH = (ANSWERED, REFUSED)
_WORDS = {
    HELD: "it was open before, and nothing comes back now",
    KEPT: "it is allowed, and works",
    GOT_THROUGH: "it is forbidden, and something came through",
    LOST: "it is allowed, and does not work",
    SAYS_NOTHING: "nothing came back before, either",
}


@dataclass(frozen=True)
class Probe:
    """Who asks whom. ``port``: 0 where it is another one each time, or none. ``what``: for people."""

    by: str
    family: int
    protocol: str
    address: str
    port: int
    what: str
    banner: bool = False

    @property
    def to(self) -> str:
        """The other end, for people."""
        address = f"[{self.address}]" if self.family == 6 and self.port else self.address
        return f"{address}:{self.port}" if self.port else address


@dataclass(frozen=True)
class Answer:
    """What came of a probe: ``seen`` as in ``probing``, before the isolation also ``unknown``."""

    probe: Probe
    seen: str
    why: str = ""


def expected(probe: Probe, flows: Sequence[Mapping[str, Any]], sources: Mapping[int, Sequence[str]]) -> str:
    """Whether the isolation lets it through; ``either`` where nobody can tell.

    ``sources``: family → as whom the host may see the controller, which its addresses may be translated to; empty text:
    as anybody. What a witness sees is forbidden: it is no responder.
    """
    if probe.by == WITNESS:
        return DEAD
    others = [probe.address] if probe.by == HOST else sources.get(probe.family, ())
    way = "out" if probe.by == HOST else "in"
    found = {allowed(flows, way, probe.protocol, other, probe.port) for other in others if other} or {False}
    if "" in others:
        found.add(any(each.get("direction") == way and each.get("port") == probe.port for each in flows))
    return EITHER if len(found) > 1 else OPEN if True in found else DEAD


def allowed(flows: Sequence[Mapping[str, Any]], direction: str, protocol: str, other: str, port: int) -> bool:
    """Whether one of the flows is this one."""
    try:
        address = ipaddress.ip_address(other.partition("%")[0])
    except ValueError:
        return False
    return any(
        flow.get("direction") == direction
        and flow.get("protocol") == protocol
        and flow.get("port") == port
        and address in ipaddress.ip_network(str(flow.get("network")), strict=False)
        for flow in flows
    )


def judge(expect: str, before: str, answer: Answer) -> dict[str, Any]:
    """One probe of the result."""
    verdict = _verdict(expect, before, answer.seen)
    probe = answer.probe
    words = "the host may see the controller as another address" if expect == EITHER else _WORDS.get(verdict, "")
    why = "; ".join(each for each in (words, printable(answer.why)[:_LONGEST]) if each)
    return {
        "from": probe.by, "family": f"IPv{probe.family}", "protocol": probe.protocol, "to": probe.to,
        "what": probe.what, "expected": expect, "before": before, "seen": answer.seen, "verdict": verdict, "why": why,
    }  # fmt: skip


def _verdict(expect: str, before: str, seen: str) -> str:
    if seen not in (*_THROUGH, SILENT):
        return NOT_MADE
    if expect == EITHER:
        return SAYS_NOTHING
    if expect == OPEN:
        if seen == ANSWERED:
            return KEPT
        return LOST if before == ANSWERED else SAYS_NOTHING
    if seen in _THROUGH:
        return GOT_THROUGH
    return HELD if before in _THROUGH else SAYS_NOTHING


def still_moving(
    moved: Sequence[Mapping[str, Any]], flows: Sequence[Mapping[str, Any]], own: Sequence[str]
) -> list[dict[str, Any]]:
    """Connections in which bytes went during the proof and that are not among the flows. ``own``: of the host."""
    return [dict(each) for each in moved if not _inside(each, own) and not _of_flow(each, flows)]


def abroad(connections: Sequence[Mapping[str, Any]], own: Sequence[str]) -> list[Mapping[str, Any]]:
    """Those that leave the host."""
    return [each for each in connections if not _inside(each, own)]


def _inside(each: Mapping[str, Any], own: Sequence[str]) -> bool:
    try:
        loopback = ipaddress.ip_address(str(each["remote"])).is_loopback
    except ValueError:
        loopback = False
    return loopback or each["remote"] in own


def _of_flow(each: Mapping[str, Any], flows: Sequence[Mapping[str, Any]]) -> bool:
    remote = str(each["remote"])
    return allowed(flows, "in", "tcp", remote, int(each["local_port"])) or allowed(
        flows, "out", "tcp", remote, int(each["remote_port"])
    )


def conclude(
    probes: Sequence[Mapping[str, Any]], standing: Mapping[str, Any], moving: Sequence[Mapping[str, Any]], anew: str
) -> tuple[str, list[str]]:
    """The outcome, and what speaks against it. ``anew``: why no way in for responders was shown; empty: it was."""
    against = [f"{_told(each)} {_WORDS[GOT_THROUGH]}" for each in probes if each["verdict"] == GOT_THROUGH]
    if standing and not standing.get("in_force"):  # of whom nothing was heard is another matter
        against.append(f"the rules are not in force: {standing.get('msg') or 'the host does not say'}")
    against += [f"bytes still move between {each['local']} and {each['remote']}" for each in moving]
    against += [f"{_told(each)} {_WORDS[LOST]}" for each in probes if each["verdict"] == LOST and each["what"] == "ssh"]
    missing = [anew] if anew else []
    if against:
        return DISPROVED, against + missing
    if not any(each["verdict"] == HELD for each in probes):
        missing.append("no forbidden probe had been answered before, so that its silence shows nothing")
    return (NOT_PROVED, missing) if missing else (PROVED, [])


def counts(probes: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many probes have which verdict."""
    verdicts = [each["verdict"] for each in probes]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS}


def cells(probes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """``in IPv4 tcp`` and so on → the verdict that weighs most among the forbidden probes of this kind."""
    found = {f"{way} IPv{family} {kind}": SAYS_NOTHING for way in ("in", "out") for family in (4, 6)
             for kind in ("tcp", "udp", "icmp")}  # fmt: skip
    weight = {NOT_MADE: 0, SAYS_NOTHING: 0, HELD: 1, GOT_THROUGH: 2}
    for each in probes:
        name = f"{'out' if each['from'] == HOST else 'in'} {each['family']} {each['protocol']}"
        if each["expected"] == DEAD and weight[each["verdict"]] > weight[found[name]]:
            found[name] = each["verdict"]
    return found


def _told(each: Mapping[str, Any]) -> str:
    return f"{each['protocol']} from {each['from']} to {each['to']} ({each['what']}):"
