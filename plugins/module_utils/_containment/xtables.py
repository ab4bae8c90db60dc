# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows as chains of iptables and ip6tables, for hosts without nft. Pure.

Each text is for ``iptables-restore --noflush``, which puts a table in place in one go: our chains are made anew, and a
jump to each is the first rule of the chain that the kernel calls. What others have in there stays as it is.
"""

from __future__ import annotations

import re
from typing import Iterable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t

# Our chain for each of the kernel's.
CHAINS: Mapping[str, str] = {"INPUT": "INCIDENT_IN", "OUTPUT": "INCIDENT_OUT", "FORWARD": "INCIDENT_FORWARD"}
# Hop limit and type of ICMPv6: neighbours and routers (RFC 4861), who listens to what (RFC 3810).
_NEIGHBOURS = {
    t.IN: ((255, 135), (255, 136), (255, 134), (1, 130)),
    t.OUT: ((255, 135), (255, 136), (255, 133), (1, 131), (1, 132), (1, 143)),
}
_ERRORS = {4: ("icmp", "icmp", (3, 11, 12)), 6: ("ipv6-icmp", "icmpv6", (1, 2, 3, 4))}
_BACK = {t.TCP: "! --syn ", t.UDP: "-m conntrack --ctstate ESTABLISHED "}


def isolation(family: int, flows: Iterable[t.Flow], saved: str) -> str:
    """What isolates, for one family (4 or 6). ``saved``: what iptables-save says of the table ``filter`` now."""
    ours = [flow for flow in flows if flow.family == family]
    return _text(
        [f":{chain} - [0:0]" for chain in CHAINS.values()],
        _side(family, t.IN, ours),
        _side(family, t.OUT, ours),
        ["-A INCIDENT_FORWARD -j DROP"],
        _jumps_removed(saved),
        [f"-I {hook} 1 -j {chain}" for hook, chain in CHAINS.items()],
    )


def release(saved: str) -> str:
    """What removes our chains, as far as they are there; empty when nothing of ours is."""
    there = [chain for chain in CHAINS.values() if re.search(rf"^:{chain} ", saved, re.MULTILINE)]
    if not there:
        return ""
    return _text(_jumps_removed(saved), [f"-F {chain}" for chain in there], [f"-X {chain}" for chain in there])


def in_place(saved: str) -> bool:
    """Whether our chains are there, and asked before anything else."""
    lines = saved.splitlines()
    return all(
        _first(saved, hook) == f"-A {hook} -j {chain}" and f"-A {chain} -j DROP" in lines
        for hook, chain in CHAINS.items()
    )


def ours(saved: str) -> str:
    """What is ours of it, without counters: to be compared."""
    chains = "|".join(CHAINS.values())
    return "\n".join(line for line in saved.splitlines() if re.match(rf"-A ({chains}) |-A \w+ -j ({chains})$", line))


def others(saved: str) -> str:
    """What is not ours, without comments and counters: to be compared."""
    mine = set(ours(saved).splitlines())
    kept = [line for line in saved.splitlines() if line not in mine and not line.startswith("#")]
    return "\n".join(
        re.sub(r" \[\d+:\d+\]$", "", line) for line in kept if line.split(" ")[0][1:] not in CHAINS.values()
    )


def _text(*parts: Iterable[str]) -> str:
    return "\n".join(["*filter", *(line for part in parts for line in part), "COMMIT"]) + "\n"


def _first(saved: str, hook: str) -> str:
    return next((line for line in saved.splitlines() if line.startswith(f"-A {hook} ")), "")


def _jumps_removed(saved: str) -> list[str]:
    """One line per jump that is there: to delete one that is not fails the whole."""
    return [
        f"-D {hook} -j {chain}"
        for hook, chain in CHAINS.items()
        for line in saved.splitlines()
        if line == f"-A {hook} -j {chain}"
    ]


def _side(family: int, side: str, flows: list[t.Flow]) -> list[str]:
    chain = CHAINS["INPUT" if side == t.IN else "OUTPUT"]
    device = "-i" if side == t.IN else "-o"
    rules = [f"{device} lo -j ACCEPT"]
    if family == 6:
        rules += [
            f"-p ipv6-icmp -m icmp6 --icmpv6-type {kind} -m hl --hl-eq {limit} -j ACCEPT"
            for limit, kind in _NEIGHBOURS[side]
        ]
    if side == t.IN:
        protocol, option, kinds = _ERRORS[family]
        rules += [
            f"-p {protocol} -m conntrack --ctstate RELATED -m {'icmp6' if family == 6 else 'icmp'} "
            f"--{option}-type {kind} -j ACCEPT"
            for kind in kinds
        ]
    rules += [_flow(flow, side) for flow in flows]
    return [f"-A {chain} {rule}" for rule in (*rules, "-j DROP")]


def _flow(flow: t.Flow, side: str) -> str:
    """One direction of the packets of a flow: towards its port where it is begun, else back from it."""
    begins = flow.direction == side
    theirs = "-s" if side == t.IN else "-d"
    port = "--dport" if begins else "--sport"
    back = "" if begins else _BACK[flow.protocol]
    return f"{theirs} {flow.network} -p {flow.protocol} -m {flow.protocol} {port} {flow.port} {back}-j ACCEPT"
