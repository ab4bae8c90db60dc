# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows as a table of nftables. Pure.

The table is our own, so nothing of others is touched, and whatever they accept: a packet that one base chain drops is
gone. Nothing in it depends on the tracking of connections but replies over UDP: a session that the kernel did not track
until now goes on, and one that it did is cut if it is not of these flows.
"""

from __future__ import annotations

import string
from typing import Iterable

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t

TABLE = "toombos_incident"
FAMILY = "inet"
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
# After connections are tracked (-200), and before what others have at the usual places: our counters see everything.
_PRIORITY = -150


def isolation(flows: Iterable[t.Flow]) -> str:
    """The transaction that isolates: our table, made anew, in one go."""
    flows = tuple(flows)
    lines = [
        *_emptied(),
        f"add table {FAMILY} {TABLE}",
        *_chain("input", t.IN, flows),
        *_chain("output", t.OUT, flows),
        *_base("forward"),
        _rule("forward", 'counter drop comment "cut"'),
    ]
    return "\n".join(lines) + "\n"


def release() -> str:
    """The transaction that removes our table, there or not."""
    return "\n".join(_emptied()) + "\n"


def _emptied() -> list[str]:
    # To delete what is not there fails, so it is made first.
    return [f"add table {FAMILY} {TABLE}", f"delete table {FAMILY} {TABLE}"]


def _chain(name: str, side: str, flows: tuple[t.Flow, ...]) -> list[str]:
    """``input`` (side ``in``) or ``output``."""
    device = "iifname" if side == t.IN else "oifname"
    return [
        *_base(name),
        _rule(name, f'{device} "lo" counter accept comment "loopback"'),
        *(
            _rule(name, f'ip6 hoplimit {limit} icmpv6 type {{ {kinds} }} counter accept comment "neighbours"')
            for limit, kinds in zip((255, 1), _NEIGHBOURS[side])
        ),
        *(_rule(name, f'ct state related {each} counter accept comment "errors"') for each in _ERRORS if side == t.IN),
        *(_rule(name, _flow(flow, side)) for flow in flows),
        _rule(name, 'counter drop comment "cut"'),
    ]


def _base(name: str) -> list[str]:
    return [f"add chain {FAMILY} {TABLE} {name} {{ type filter hook {name} priority {_PRIORITY}; policy drop; }}"]


def _rule(chain: str, text: str) -> str:
    return f"add rule {FAMILY} {TABLE} {chain} {text}"


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
