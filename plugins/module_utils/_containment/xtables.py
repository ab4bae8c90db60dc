# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows as chains of iptables and ip6tables, for hosts without nft. Pure.

Each text is for ``iptables-restore --noflush``, which puts a table in place in one go: our chains are made anew, and a
jump to each is the first rule of the chain that the kernel calls. What others have in there stays as it is.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, Iterator, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t

# Our chain for each of the kernel's.
CHAINS: Mapping[str, str] = {"INPUT": "INCIDENT_IN", "OUTPUT": "INCIDENT_OUT", "FORWARD": "INCIDENT_FORWARD"}
# Hop limit and type of ICMPv6: neighbours and routers (RFC 4861), who listens to what (RFC 3810).
_NEIGHBOURS = {
    t.IN: ((255, 135), (255, 136), (255, 134), (1, 130)),
    t.OUT: ((255, 135), (255, 136), (255, 133), (1, 131), (1, 132), (1, 143)),
}
# Addresses leased by DHCPv6, from servers on the link.
_LEASES = {
    t.IN: "-s fe80::/10 -p udp -m udp --sport 547 --dport 546",
    t.OUT: "-d ff02::1:2 -p udp -m udp --sport 546 --dport 547",
}
# A port of this host may be translated to another host: on its way to the loopback device, and leaving all the same.
# (For IPv6, UNICAST is a matter of the form of an address: those of this host are, too.)
_NOT_ELSEWHERE = {4: ("! --dst-type UNICAST",), 6: ("--dst-type LOCAL", "--dst-type MULTICAST")}
_ERRORS = {4: ("icmp", "icmp", (3, 11, 12)), 6: ("ipv6-icmp", "icmpv6", (1, 2, 3, 4))}
_BACK = {t.TCP: "! --syn ", t.UDP: "-m conntrack --ctstate ESTABLISHED "}


def isolation(family: int, flows: Iterable[t.Flow], saved: str) -> str:
    """What isolates, for one family (4 or 6). ``saved``: what iptables-save says of the table ``filter`` now."""
    of_family = [flow for flow in flows if flow.family == family]
    rules = [
        *_side(family, t.IN, of_family),
        *_side(family, t.OUT, of_family),
        "-A INCIDENT_FORWARD -j DROP",
    ]
    return _in_place(rules, saved)


def release(saved: str) -> str:
    """What removes our chains, as far as they are there; empty when nothing of ours is."""
    there = [chain for chain in CHAINS.values() if re.search(rf"^:{chain} ", saved, re.MULTILINE)]
    if not there:
        return ""
    return _text(_jumps_removed(saved), [f"-F {chain}" for chain in there], [f"-X {chain}" for chain in there])


def back(before: str, saved: str) -> str:
    """From how it is now to how it was before: what was ours then is put in place again, or removed."""
    if not first(before):
        return release(saved)
    return _in_place([line for line in before.splitlines() if _OURS.match(line)], saved)


def first(saved: str) -> bool:
    """Whether our chains are there, end in a drop, and are asked before anything else."""
    lines = saved.splitlines()
    return all(
        _first(saved, hook) == f"-A {hook} -j {chain}" and f"-A {chain} -j DROP" in lines
        for hook, chain in CHAINS.items()
    )


def ours(saved: str) -> str:
    """What is ours of the table ``filter``, without counters: to be compared."""
    return "".join(f"{_uncounted(line)}\n" for line in saved.splitlines() if _is_ours(line))


def others(saved: str) -> str:
    """What is not ours of all tables, without remarks and counters: to be compared.

    A table in which nothing is set says nothing: to look at one, or to use it once, makes it.
    """
    return "".join(
        "".join(f"{line}\n" for line in table) for table in _tables(saved) if not all(map(_says_nothing, table))
    )


def counters(saved: str) -> list[dict[str, Any]]:
    """``chain``, ``rule``, ``packets`` and ``bytes`` of ``iptables-save --counters``, in their order."""
    found = re.findall(rf"^\[(\d+):(\d+)\] -A ({'|'.join(CHAINS.values())}) (.*)$", saved, re.MULTILINE)
    return [{"chain": chain, "rule": rule, "packets": int(n), "bytes": int(size)} for n, size, chain, rule in found]


_OURS = re.compile(rf"-A ({'|'.join(CHAINS.values())}) ")
_JUMP = re.compile(rf"-A \w+ -j ({'|'.join(CHAINS.values())})$")
_DECLARED = re.compile(rf":({'|'.join(CHAINS.values())}) ")
_EMPTY = re.compile(r"\*|COMMIT$|:\S+ ACCEPT$")


def _is_ours(line: str) -> bool:
    return any(kind.match(line) for kind in (_OURS, _JUMP, _DECLARED))


def _uncounted(line: str) -> str:
    return re.sub(r" \[\d+:\d+\]$", "", line)


def _says_nothing(line: str) -> bool:
    return _EMPTY.match(line) is not None


def _tables(saved: str) -> Iterator[list[str]]:
    table: list[str] = []
    for line in map(_uncounted, saved.splitlines()):
        if line.startswith("*"):
            table = []
        if line and not line.startswith("#") and not _is_ours(line):
            table.append(line)
        if line == "COMMIT":
            yield table


def _in_place(rules: Iterable[str], saved: str) -> str:
    return _text(
        [f":{chain} - [0:0]" for chain in CHAINS.values()],
        rules,
        _jumps_removed(saved),
        [f"-I {hook} 1 -j {chain}" for hook, chain in CHAINS.items()],
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
    if side == t.IN:
        rules = ["-i lo -j ACCEPT"]
    else:
        rules = [f"-o lo -m addrtype {kind} -j ACCEPT" for kind in _NOT_ELSEWHERE[family]]
    if family == 6:
        rules += [
            f"-p ipv6-icmp -m icmp6 --icmpv6-type {kind} -m hl --hl-eq {limit} -j ACCEPT"
            for limit, kind in _NEIGHBOURS[side]
        ]
        rules.append(f"{_LEASES[side]} -j ACCEPT")
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
