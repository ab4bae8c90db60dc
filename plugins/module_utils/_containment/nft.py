# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows as a table of nftables. Pure.

The table is our own, so nothing of others is touched, and whatever they accept: a packet that one base chain drops is
gone. Nothing in it depends on the tracking of connections but errors and replies over UDP: a session that the kernel
did not track until now goes on, and one that it did is cut if it is not of these flows.
"""

from __future__ import annotations

import string
from typing import Iterable

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t

TABLE = "toombos_incident"
FAMILY = "inet"
# What ports of a bridge say to each other does not pass through inet: containers of a network, guests of a hypervisor.
BRIDGE = "bridge"
# Errors that belong to a flow which stays possible, so that large packets find their way.
_ERRORS = (
    "icmp type { destination-unreachable, time-exceeded, parameter-problem }",
    "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }",
)
# Without these, IPv6 has no neighbours, and switches that listen forget who is there. They do not leave the link:
# RFC 4861 wants a hop limit of 255, RFC 3810 one of 1.
_NEIGHBOURS = {
    t.IN: ("nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert", "mld-listener-query"),
    t.OUT: (
        "nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit",
        "mld-listener-report, mld-listener-done, mld2-listener-report",
    ),
}
# IPv6 addresses may be leased by DHCPv6, and the host is lost with its lease. Both addresses do not leave the link.
# (IPv4 leases are rebound through packet sockets, which no filter sees.)
_LEASES = {
    t.IN: "ip6 saddr fe80::/10 udp sport 547 udp dport 546",
    t.OUT: "ip6 daddr ff02::1:2 udp sport 546 udp dport 547",
}
# After connections are tracked (-200), and before what others have at the usual places: our counters see everything.
# What is sent is judged by its last destination (after -100): a port of this host may be translated to another one.
_PRIORITY = {"input": -150, "output": 150, "forward": -150}
_LOOPBACK = {t.IN: 'iifname "lo"', t.OUT: 'oifname "lo" fib daddr type != unicast'}


def isolation(flows: Iterable[t.Flow], bridge: bool) -> str:
    """The transaction that isolates: our tables, made anew, in one go. ``bridge``: also between ports of bridges."""
    flows = tuple(flows)
    lines = [
        *_emptied(FAMILY),
        *_chain("input", t.IN, flows),
        *_chain("output", t.OUT, flows),
        *_nothing(FAMILY, "forward"),
    ]
    if bridge:
        lines += [*_emptied(BRIDGE), *_nothing(BRIDGE, "forward")]
    return "\n".join(lines) + "\n"


def release(families: Iterable[str]) -> str:
    """The transaction that removes our tables of these families, which are there."""
    return "".join(f"delete table {family} {TABLE}\n" for family in families)


def _emptied(family: str) -> list[str]:
    # To delete what is not there fails, so it is made first.
    return [f"{verb} table {family} {TABLE}" for verb in ("add", "delete", "add")]


def _chain(name: str, side: str, flows: tuple[t.Flow, ...]) -> list[str]:
    """``input`` (side ``in``) or ``output``."""
    return [
        _base(FAMILY, name),
        _rule(FAMILY, name, f'{_LOOPBACK[side]} counter accept comment "loopback"'),
        *(
            _rule(FAMILY, name, f'ip6 hoplimit {limit} icmpv6 type {{ {kinds} }} counter accept comment "neighbours"')
            for limit, kinds in zip((255, 1), _NEIGHBOURS[side])
        ),
        _rule(FAMILY, name, f'{_LEASES[side]} counter accept comment "lease"'),
        *(
            _rule(FAMILY, name, f'ct state related {each} counter accept comment "errors"')
            for each in _ERRORS
            if side == t.IN
        ),
        *(_rule(FAMILY, name, _flow(flow, side)) for flow in flows),
        _rule(FAMILY, name, 'counter drop comment "cut"'),
    ]


def _nothing(family: str, name: str) -> list[str]:
    return [_base(family, name), _rule(family, name, 'counter drop comment "cut"')]


def _base(family: str, name: str) -> str:
    hook = f"type filter hook {name} priority {_PRIORITY[name]}; policy drop;"
    return f"add chain {family} {TABLE} {name} {{ {hook} }}"


def _rule(family: str, chain: str, text: str) -> str:
    return f"add rule {family} {TABLE} {chain} {text}"


def _flow(flow: t.Flow, side: str) -> str:
    """One direction of the packets of a flow: towards its port where it is begun, else back from it."""
    begins = flow.direction == side
    family = "ip" if flow.family == 4 else "ip6"
    theirs = "saddr" if side == t.IN else "daddr"
    port = "dport" if begins else "sport"
    back = "" if begins else _BACK[flow.protocol]
    match = f"{family} {theirs} {flow.network} {flow.protocol} {port} {flow.port} {back}"
    return f'{match}counter accept comment "{_words(flow.why)}"'


# What goes back begins nothing: neither a connection nor a question.
_BACK = {t.TCP: "tcp flags & (syn | ack) != syn ", t.UDP: "ct state established "}
_MOST_WORDS = 60
_WRITABLE = frozenset(string.ascii_letters + string.digits + " .,:;/@_+-()[]=#")


def _words(why: str) -> str:
    """A comment of nftables: at most 128 bytes, without quotes, for there is no way to write them."""
    kept = "".join(letter if letter in _WRITABLE else "_" for letter in why)
    return kept[:_MOST_WORDS]
