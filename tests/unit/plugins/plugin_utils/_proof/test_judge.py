# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What probes say of an isolation, without a network."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._proof import judge as j

FLOWS = [
    {"direction": "in", "network": "192.0.2.0/28", "protocol": "tcp", "port": 22, "why": "management"},
    {"direction": "out", "network": "198.51.100.7/32", "protocol": "tcp", "port": 6514, "why": "log shipping"},
    {"direction": "in", "network": "2001:db8:1::/64", "protocol": "tcp", "port": 22, "why": "management"},
]
SOURCES = {4: ["192.0.2.9"], 6: ["2001:db8:2::9"]}
IN_FORCE = {"in_force": True}


def probe(by: str = j.CONTROLLER, port: int = 80, **more: Any) -> j.Probe:
    given = {"family": 4, "protocol": "tcp", "address": "203.0.113.5", "what": "a service", **more}
    return j.Probe(by=by, port=port, **given)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (probe(port=22), j.OPEN),
        (probe(port=23), j.DEAD),
        (probe(port=22, protocol="udp"), j.DEAD),
        # The controller comes from an address of IPv6 that is in no network of management.
        (probe(port=22, family=6, address="2001:db8:3::5"), j.DEAD),
        (probe(j.HOST, 6514, address="198.51.100.7"), j.OPEN),
        (probe(j.HOST, 6514, address="198.51.100.8"), j.DEAD),
        (probe(j.HOST, 22, address="192.0.2.9"), j.DEAD),  # the way in is none out
        (probe(j.CONTROLLER, 6514), j.DEAD),
        (probe(j.WITNESS, 22), j.DEAD),
        (probe(j.HOST, 0, family=6, address="fe80::1%eth0", protocol="icmp"), j.DEAD),
    ],
)
def test_what_is_expected_is_what_the_flows_of_the_isolation_say(asked: j.Probe, expected: str) -> None:
    assert j.expected(asked, FLOWS, SOURCES) == expected


@pytest.mark.parametrize(
    ("sources", "port", "expected"),
    [
        # A router makes another address of it, or it came by a jump host: nobody can tell which.
        (["10.0.0.5", "192.0.2.9"], 22, j.EITHER),
        (["192.0.2.8", "192.0.2.9"], 22, j.OPEN),
        (["10.0.0.5", ""], 22, j.EITHER),
        (["10.0.0.5", ""], 80, j.DEAD),
        (["10.0.0.5", "192.0.2.9"], 80, j.DEAD),
        ([], 22, j.DEAD),
    ],
)
def test_where_the_host_may_see_another_address_nothing_is_expected(
    sources: list[str], port: int, expected: str
) -> None:
    assert j.expected(probe(port=port), FLOWS, {4: sources}) == expected


@pytest.mark.parametrize(
    ("expect", "before", "seen", "verdict"),
    [
        (j.DEAD, "answered", "silent", j.HELD),
        (j.DEAD, "refused", "silent", j.HELD),
        (j.DEAD, "silent", "silent", j.SAYS_NOTHING),
        (j.DEAD, "not_made", "silent", j.SAYS_NOTHING),
        (j.DEAD, "unknown", "silent", j.SAYS_NOTHING),
        (j.DEAD, "answered", "not_made", j.NOT_MADE),
        (j.DEAD, "answered", "answered", j.GOT_THROUGH),
        # Who says no is there: the packet has come back.
        (j.DEAD, "answered", "refused", j.GOT_THROUGH),
        (j.DEAD, "silent", "answered", j.GOT_THROUGH),
        (j.DEAD, "answered", "a word of tomorrow", j.NOT_MADE),
        (j.OPEN, "answered", "answered", j.KEPT),
        (j.OPEN, "silent", "answered", j.KEPT),
        (j.OPEN, "answered", "silent", j.LOST),
        (j.OPEN, "answered", "refused", j.LOST),
        (j.OPEN, "silent", "silent", j.SAYS_NOTHING),
        (j.EITHER, "answered", "answered", j.SAYS_NOTHING),
        (j.EITHER, "answered", "silent", j.SAYS_NOTHING),
    ],
)
def test_a_probe_says_what_its_answers_before_and_after_say(expect: str, before: str, seen: str, verdict: str) -> None:
    told = j.judge(expect, before, j.Answer(probe(), seen, "why it is so"))
    assert told["verdict"] == verdict
    assert told["why"].endswith("why it is so")


def judged(verdict: str, **more: Any) -> dict[str, Any]:
    return {"from": "controller", "family": "IPv4", "protocol": "tcp", "to": "203.0.113.5:80", "what": "a service",
            "expected": "dead", "verdict": verdict, **more}  # fmt: skip


MOVING = {"local": "203.0.113.5", "local_port": 4000, "remote": "198.51.100.66", "remote_port": 443}


@pytest.mark.parametrize(
    ("probes", "standing", "moving", "anew", "outcome", "word"),
    [
        ([judged(j.HELD)], IN_FORCE, [], "", j.PROVED, ""),
        ([judged(j.HELD), judged(j.SAYS_NOTHING), judged(j.NOT_MADE)], IN_FORCE, [], "", j.PROVED, ""),
        ([judged(j.SAYS_NOTHING)], IN_FORCE, [], "", j.NOT_PROVED, "its silence shows nothing"),
        ([judged(j.NOT_MADE)], IN_FORCE, [], "", j.NOT_PROVED, "its silence shows nothing"),
        ([], IN_FORCE, [], "", j.NOT_PROVED, "its silence shows nothing"),
        ([judged(j.HELD)], IN_FORCE, [], "the same connection", j.NOT_PROVED, "the same connection"),
        ([judged(j.HELD), judged(j.GOT_THROUGH)], IN_FORCE, [], "", j.DISPROVED, "something came through"),
        ([judged(j.HELD)], {"in_force": False}, [], "", j.DISPROVED, "not in force"),
        ([judged(j.HELD)], {}, [], "it cannot be reached", j.NOT_PROVED, "it cannot be reached"),
        ([judged(j.GOT_THROUGH)], {}, [], "it cannot be reached", j.DISPROVED, "something came through"),
        ([judged(j.HELD)], IN_FORCE, [MOVING], "", j.DISPROVED, "bytes still move"),
        ([judged(j.HELD), judged(j.LOST, what="ssh")], IN_FORCE, [], "", j.DISPROVED, "does not work"),
        # What else was allowed and does not work is no hole.
        ([judged(j.HELD), judged(j.LOST, what="a resolver")], IN_FORCE, [], "", j.PROVED, ""),
    ],
)
def test_one_hole_disproves_and_silence_alone_proves_nothing(
    probes: list[Any], standing: dict[str, Any], moving: list[Any], anew: str, outcome: str, word: str
) -> None:
    found, against = j.conclude(probes, standing, moving, anew)
    assert found == outcome
    assert word in " ".join(against)
    assert bool(against) == (outcome != j.PROVED)


def connection(remote: str, local_port: int = 40_000, remote_port: int = 443) -> dict[str, Any]:
    return {"local": "203.0.113.5", "local_port": local_port, "remote": remote, "remote_port": remote_port, "moved": 9}


@pytest.mark.parametrize(
    ("each", "moves"),
    [
        (connection("198.51.100.66"), True),
        (connection("192.0.2.9", local_port=22), False),
        (connection("192.0.2.9", local_port=80), True),
        (connection("192.0.2.99", local_port=22), True),
        (connection("198.51.100.7", remote_port=6514), False),
        (connection("127.0.0.1"), False),
        (connection("::1"), False),
        (connection("203.0.113.5"), False),  # to itself, by its own address
    ],
)
def test_bytes_that_move_are_told_unless_they_are_allowed(each: dict[str, Any], moves: bool) -> None:
    assert bool(j.still_moving([each], FLOWS, ["203.0.113.5"])) == moves


def test_each_kind_of_traffic_has_the_verdict_that_weighs_most() -> None:
    probes = [
        judged(j.SAYS_NOTHING),
        judged(j.HELD),
        judged(j.GOT_THROUGH, protocol="udp"),
        judged(j.HELD, protocol="udp"),
        judged(j.HELD, **{"from": "host", "family": "IPv6", "protocol": "icmp"}),
        judged(j.KEPT, expected="open", family="IPv6"),
    ]
    cells = j.cells(probes)
    assert len(cells) == 12
    told = {name: verdict for name, verdict in cells.items() if verdict != j.SAYS_NOTHING}
    assert told == {"in IPv4 tcp": "held", "in IPv4 udp": "got_through", "out IPv6 icmp": "held"}
    assert j.counts(probes) == {
        "held": 3, "kept": 1, "got_through": 1, "lost": 0, "says_nothing": 1, "not_made": 0,
    }  # fmt: skip
