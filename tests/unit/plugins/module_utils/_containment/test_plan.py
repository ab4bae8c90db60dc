# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from dataclasses import astuple

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.plan import plan

MANAGEMENT = ("192.0.2.0/24",)
SEEN = t.Seen(
    session=t.Session("192.0.2.7", 40000, "198.51.100.5", 22),
    sshd=(22,),
    addresses=("198.51.100.5", "2001:db8::5"),
    backends=("nftables", "iptables"),
)
SSH = t.Flow(4, t.IN, "192.0.2.0/24", t.TCP, 22, t.MANAGEMENT)


def from_(client, port=22):
    return dataclasses.replace(SEEN, session=t.Session(client, 40000, "198.51.100.5", port))


def without_session(**changes):
    return dataclasses.replace(SEEN, session=None, **changes)


# What was asked for, what was seen, what stays possible; nothing speaks against it.
FINE = [
    ("management", t.Wish(MANAGEMENT), SEEN, [SSH]),
    ("responders from elsewhere, too", t.Wish(MANAGEMENT), from_("203.0.113.9"), [SSH, ("203.0.113.9/32", 4, 22)]),
    ("of the other family, too", t.Wish(MANAGEMENT), from_("2001:db8:9::9"), [SSH, ("2001:db8:9::9/128", 6, 22)]),
    ("without a zone", t.Wish(()), from_("fe80::9%eth0"), [("fe80::9/128", 6, 22)]),
    ("IPv4 in IPv6 is IPv4", t.Wish(()), from_("::ffff:192.0.2.7"), [("192.0.2.7/32", 4, 22)]),
    ("on the port it came to", t.Wish(MANAGEMENT), dataclasses.replace(from_("192.0.2.7", 2222), sshd=(22, 2222)),
     [("192.0.2.0/24", 4, 2222)]),
    ("on the port that was named", t.Wish(MANAGEMENT, ssh_port=2222), without_session(sshd=(22, 2222)),
     [("192.0.2.0/24", 4, 2222)]),
    ("on all ports, without a connection", t.Wish(MANAGEMENT), without_session(sshd=(22, 2222)),
     [SSH, ("192.0.2.0/24", 4, 2222)]),
    ("from the host itself says nothing", t.Wish(MANAGEMENT), from_("127.0.0.1"), [SSH]),
    ("nor does from its own address", t.Wish(MANAGEMENT), from_("198.51.100.5"), [SSH]),
    ("networks that are named twice", t.Wish(MANAGEMENT * 2), SEEN, [SSH]),
    ("and what is allowed", t.Wish(MANAGEMENT, allow=(t.Flow(4, t.OUT, "192.0.2.53/32", "udp", 53, "dns"),)), SEEN,
     [SSH, t.Flow(4, t.OUT, "192.0.2.53/32", "udp", 53, "dns")]),
]  # fmt: skip


@pytest.mark.parametrize(("wish", "seen", "flows"), [row[1:] for row in FINE], ids=[row[0] for row in FINE])
def test_what_stays_possible_follows_from_what_was_asked_and_seen(wish, seen, flows):
    planned = plan(wish, seen)
    expected = [
        each if isinstance(each, t.Flow) else t.Flow(each[1], t.IN, each[0], t.TCP, each[2], t.MANAGEMENT)
        for each in flows
    ]
    assert (planned.backend, planned.refusals) == ("nftables", ())
    assert planned.flows == tuple(sorted(expected, key=astuple))


AGAINST = [
    ("nobody", t.Wish(()), without_session(), "Nobody could reach the host", True),
    ("nobody, from itself", t.Wish(()), from_("127.0.0.1"), "Nobody could reach the host", True),
    ("no sshd", t.Wish(MANAGEMENT), without_session(sshd=()), "No sshd listens on this host. Name the port", True),
    ("another port than this connection", t.Wish(MANAGEMENT, ssh_port=2222), SEEN,
     "ssh_port is 2222, and this connection came to port 22: it would be cut", False),
    ("a port on which nothing listens", t.Wish(MANAGEMENT, ssh_port=2222), without_session(),
     "Nothing listens on the ssh port 2222; sshd listens on 22", False),
    ("a responder who is not to be kept", t.Wish(MANAGEMENT, keep_responder=False), from_("203.0.113.9"),
     "203.0.113.9, from where this connection comes, is in no management network", False),
    ("of another family", t.Wish(MANAGEMENT, keep_responder=False), from_("2001:db8:9::9"),
     "2001:db8:9::9, from where this connection comes, is in no management network", False),
    ("a protected host", t.Wish(MANAGEMENT, protected=("198.51.100.0/24",)), SEEN,
     "This host is protected (198.51.100.5)", False),
    ("protected by its other family", t.Wish(MANAGEMENT, protected=("2001:db8::5/128",)), SEEN,
     "This host is protected (2001:db8::5)", False),
    ("the host as its own management", t.Wish(("198.51.100.5/32", *MANAGEMENT)), SEEN,
     "management names this host itself (198.51.100.5)", True),
    ("a packet filter that does not work", t.Wish(MANAGEMENT, backend="nftables"),
     dataclasses.replace(SEEN, backends=("iptables",), unusable={"nftables": "nft is not installed"}),
     "nftables does not work here: nft is not installed. Leave backend out", True),
    ("one that is unknown", t.Wish(MANAGEMENT, backend="pf"), SEEN, "pf does not work here: it is not there", True),
    ("no packet filter", t.Wish(MANAGEMENT), dataclasses.replace(SEEN, backends=(), unusable={"nftables": "gone"}),
     "No packet filter works here (nftables: gone)", True),
    ("none at all", t.Wish(MANAGEMENT), dataclasses.replace(SEEN, backends=()), "(none is installed)", True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "seen", "words", "firm"), [row[1:] for row in AGAINST], ids=[row[0] for row in AGAINST]
)
def test_what_would_lock_people_out_is_refused(wish, seen, words, firm):
    (refusal,) = plan(wish, seen).refusals
    assert words in refusal.message
    assert refusal.firm is firm


def test_a_packet_filter_that_was_named_is_taken():
    assert plan(t.Wish(MANAGEMENT, backend="iptables"), SEEN).backend == "iptables"


def test_people_are_told_whom_else_it_keeps_and_what_was_noticed():
    seen = dataclasses.replace(from_("203.0.113.9"), notes=("ufw is there.",))
    assert plan(t.Wish(MANAGEMENT), seen).notes == (
        "203.0.113.9, from where this connection comes, is in no management network; it stays reachable as well.",
        "ufw is there.",
    )
    assert plan(t.Wish(MANAGEMENT), SEEN).notes == ()


def test_the_digest_of_a_plan_is_taken_over_what_is_put_in_place():
    assert plan(t.Wish(MANAGEMENT), SEEN).to_dict() == {
        "backend": "nftables",
        "flows": [
            {"direction": "in", "network": "192.0.2.0/24", "protocol": "tcp", "port": 22, "why": "management"},
        ],
    }
