# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._containment import nft, types as t

SSH = t.Flow(4, t.IN, "192.0.2.0/24", t.TCP, 22, t.MANAGEMENT)
RESOLVER = t.Flow(6, t.OUT, "2001:db8::53/128", t.UDP, 53, "the resolver")
LOGS = t.Flow(4, t.OUT, "192.0.2.14/32", t.TCP, 6514, "logs")


def rules(text, chain):
    return re.findall(rf"^add rule inet toombos_incident {chain} (.*)$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("flow", "received", "sent"),
    [
        (
            SSH,
            'ip saddr 192.0.2.0/24 tcp dport 22 counter accept comment "management"',
            'ip daddr 192.0.2.0/24 tcp sport 22 tcp flags & (syn | ack) != syn counter accept comment "management"',
        ),
        (
            LOGS,
            'ip saddr 192.0.2.14/32 tcp sport 6514 tcp flags & (syn | ack) != syn counter accept comment "logs"',
            'ip daddr 192.0.2.14/32 tcp dport 6514 counter accept comment "logs"',
        ),
        (
            RESOLVER,
            'ip6 saddr 2001:db8::53/128 udp sport 53 ct state established counter accept comment "the resolver"',
            'ip6 daddr 2001:db8::53/128 udp dport 53 counter accept comment "the resolver"',
        ),
    ],
)
def test_a_flow_passes_in_both_directions_and_is_begun_in_one(flow, received, sent):
    with_it, without = nft.isolation([flow], bridge=False), nft.isolation([], bridge=False)
    assert [rule for rule in rules(with_it, "input") if rule not in rules(without, "input")] == [received]
    assert [rule for rule in rules(with_it, "output") if rule not in rules(without, "output")] == [sent]


def test_every_chain_drops_what_is_left_and_nothing_is_forwarded():
    text = nft.isolation([SSH, RESOLVER], bridge=True)
    assert re.findall(r"^add chain (.*)$", text, re.MULTILINE) == [
        "inet toombos_incident input { type filter hook input priority -150; policy drop; }",
        "inet toombos_incident output { type filter hook output priority 150; policy drop; }",
        "inet toombos_incident forward { type filter hook forward priority -150; policy drop; }",
        "bridge toombos_incident forward { type filter hook forward priority -150; policy drop; }",
    ]
    assert [rules(text, chain)[-1] for chain in ("input", "output")] == ['counter drop comment "cut"'] * 2
    assert rules(text, "forward") == ['counter drop comment "cut"']


def test_no_rule_for_everybody_but_loopback_the_link_and_errors():
    text = nft.isolation([], bridge=False)
    words = [re.findall(r'comment "(\w+)"', rule) for chain in ("input", "output") for rule in rules(text, chain)]
    assert sorted({each[0] for each in words}) == ["cut", "errors", "lease", "loopback", "neighbours"]
    assert 'oifname "lo" fib daddr type != unicast counter accept' in text
    assert all("ct state related" in rule for rule in rules(text, "input") if '"errors"' in rule)
    assert not [rule for rule in rules(text, "output") if '"errors"' in rule]


def test_tables_are_made_anew_whether_they_are_there_or_not():
    lines = nft.isolation([], bridge=True).splitlines()
    for family in ("inet", "bridge"):
        verbs = [line.split()[0] for line in lines if line.endswith(f"table {family} toombos_incident")]
        assert verbs == ["add", "delete", "add"]
    assert "bridge" not in nft.isolation([], bridge=False)


def test_only_what_is_there_is_released():
    assert (
        nft.release(["inet", "bridge"]) == "delete table inet toombos_incident\ndelete table bridge toombos_incident\n"
    )
    assert nft.release([]) == ""


@pytest.mark.parametrize(
    ("why", "comment"),
    [
        ('" accept; flush ruleset; "', "_ accept; flush ruleset; _"),
        ("a\nb\\c", "a_b_c"),
        ("für Müller", "f_r M_ller"),
        ("x" * 300, "x" * 60),
    ],
)
def test_what_people_write_cannot_end_its_comment(why, comment):
    text = nft.isolation([t.Flow(4, t.IN, "192.0.2.0/24", t.TCP, 22, why)], bridge=False)
    assert f'tcp dport 22 counter accept comment "{comment}"\n' in text
    assert len(text.splitlines()) == len(nft.isolation([SSH], bridge=False).splitlines())
