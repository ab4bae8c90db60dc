# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an isolated host can still do, and what of its rules is left as it was."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import time

import pytest
from neighbourhood import ATTACKER, MANAGEMENT, RESOLVER, SSH, VICTIM, Neighbourhood
from talks import Tcp, Udp, address_of, converse, listen
from victim import FLOWS, RESOLVERS, Victim

FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["v4", "v6"])
_BULK = 300_000


@FAMILIES
def test_the_host_talks_to_itself(victim: Victim, family: int) -> None:
    own = address_of(VICTIM, family)
    victim.isolate()
    listeners = listen(victim.space, 7100)
    addresses = ("127.0.0.1" if family == 4 else "::1", own)
    talks = [Tcp(victim.space, family, address, 7100, listeners[family]) for address in addresses]
    talks += [Udp(victim.space, family, address, victim.space) for address in addresses]
    assert converse(talks, 5.0) == [(True, True)] * 4
    for each in talks:
        each.close()
    for listener in listeners.values():
        listener.socket.close()


@FAMILIES
def test_only_the_named_resolver_answers(victim: Victim, neighbourhood: Neighbourhood, family: int) -> None:
    other = neighbourhood.of[ATTACKER]
    addresses = (RESOLVER[family], address_of(ATTACKER, family))
    talks = [Udp(victim.space, family, address, other, 53) for address in addresses]
    assert converse(talks, 5.0) == [(True, True), (True, True)]
    victim.isolate(*RESOLVERS)
    assert converse(talks, 0.6) == [(True, True), (False, False)]
    # The resolver itself begins nothing: not even from its own port.
    attack = Udp(other, family, address_of(VICTIM, family), victim.space)
    attack.client.close()
    attack.client = talks[0].server
    assert converse([attack], 0.6) == [(False, False)]
    for each in (*talks, attack):
        each.close()


@FAMILIES
def test_nothing_is_begun_from_the_port_of_ssh(victim: Victim, neighbourhood: Neighbourhood, family: int) -> None:
    listeners = listen(neighbourhood.of[MANAGEMENT], 7300)

    def begin() -> Tcp:
        return Tcp(
            victim.space,
            family,
            address_of(MANAGEMENT, family),
            7300,
            listeners[family],
            (address_of(VICTIM, family), SSH),
        )

    talks = [begin()]
    assert converse(talks, 5.0) == [(True, True)]
    talks[0].abort()
    victim.isolate()
    talks.append(begin())
    assert converse(talks[1:], 0.6) == [(False, False)]
    for talk in talks:
        talk.close()
    for listener in listeners.values():
        listener.socket.close()


@FAMILIES
def test_large_packets_find_their_way_to_management(victim: Victim, neighbourhood: Neighbourhood, family: int) -> None:
    # The router, which is in no management network, says that they are too large for the last piece of the way.
    victim.space.run("ip", f"-{family}", "route", "flush", "cache")
    listeners = listen(victim.space, SSH)
    talk = Tcp(neighbourhood.of[MANAGEMENT], family, address_of(VICTIM, family), SSH, listeners[family])
    assert converse([talk], 5.0) == [(True, True)]
    victim.isolate()
    assert talk.server is not None
    received, sent, end = 0, 0, time.monotonic() + 10.0
    while received < _BULK and time.monotonic() < end:
        with contextlib.suppress(BlockingIOError):
            sent += talk.server.send(b"x" * min(65536, _BULK - sent)) if sent < _BULK else 0
        with contextlib.suppress(BlockingIOError):
            received += len(talk.client.recv(65536))
    assert received == _BULK
    assert "mtu 1300" in victim.space.run("ip", "route", "get", address_of(MANAGEMENT, family)).stdout
    talk.close()
    for listener in listeners.values():
        listener.socket.close()


@FAMILIES
def test_a_port_of_the_host_that_is_translated_to_another_host_leads_nowhere(
    victim: Victim, neighbourhood: Neighbourhood, family: int
) -> None:
    inet, own, there = ("ip", "ip6")[family == 6], address_of(VICTIM, family), address_of(ATTACKER, family)
    talk = Udp(victim.space, family, there, neighbourhood.of[ATTACKER])
    bracketed = there if family == 4 else f"[{there}]"
    victim.space.run(
        "nft", "-f", "-",
        text=f"table {inet} translated {{ chain output {{ type nat hook output priority -100;\n"
        f"{inet} daddr {own} udp dport 9999 dnat to {bracketed}:{talk.target[1]}\n }}\n }}",
    )  # fmt: skip
    talk.target = (own, 9999)
    assert converse([talk], 5.0) == [(True, True)]
    victim.isolate()
    assert converse([talk], 0.6) == [(False, False)]
    fresh = Udp(victim.space, family, there, neighbourhood.of[ATTACKER], talk.target[1] + 1)
    fresh.server.close()
    fresh.server, fresh.target = talk.server, (own, 9999)
    assert converse([fresh], 0.6) == [(False, False)]
    fresh.client.close()
    talk.close()


def test_what_others_have_set_is_as_it_was(victim: Victim, neighbourhood: Neighbourhood) -> None:
    victim.space.run(
        "nft", "-f", "-",
        text="table inet others { set seen { type ipv4_addr; flags dynamic; }\n"
        "chain input { type filter hook input priority 0; policy accept;\n"
        "counter accept comment \"all\"\n add @seen { ip saddr }\n }\n }",
    )  # fmt: skip
    for program in (victim.name if victim.name != "nftables" else "iptables", "ip6tables"):
        victim.space.run(program, "-A", "INPUT", "-p", "tcp", "--dport", "8080", "-j", "ACCEPT")
    before = victim.do("others")
    assert "8080" in before
    victim.isolate()
    during = victim.do("others")
    _attack(neighbourhood)
    victim.release()
    assert (during, victim.do("others"), victim.do("ours")) == (before, before, "")


def test_a_second_time_changes_nothing(victim: Victim) -> None:
    nothing = victim.do("others")
    victim.release()
    assert (victim.do("ours"), victim.do("others")) == ("", nothing)
    victim.isolate()
    first = victim.do("ours")
    victim.isolate()
    assert victim.do("ours") == first != ""
    victim.release()
    victim.release()
    assert (victim.do("ours"), victim.do("others")) == ("", nothing)


def test_a_rehearsal_changes_nothing_and_shows_what_would_be_loaded(victim: Victim) -> None:
    # What people say about a flow is never more than a remark.
    odd = tuple(dataclasses.replace(flow, why='"; } flush ruleset; # \\') for flow in FLOWS)
    text = victim.do("rehearse", odd)
    assert "10.9.0.0/24" in text
    assert "fd00:9::/64" in text
    assert victim.do("ours") == ""


def test_tampering_is_seen(victim: Victim) -> None:
    victim.isolate()
    expected = victim.do("ours")
    assert victim.do("intact", expected)
    if victim.name == "nftables":
        words = ["nft", "insert rule inet toombos_incident input ip saddr 10.1.0.2 accept"]
    else:
        legacy = "-legacy" if victim.name.endswith("legacy") else ""
        words = [f"iptables{legacy}", "-I", "INPUT", "1", "-s", "10.1.0.2", "-j", "ACCEPT"]
    victim.space.run(*words)
    assert not victim.do("intact", expected)
    victim.isolate()
    assert victim.do("intact", expected)
    victim.release()
    assert not victim.do("intact", expected)
    assert not victim.do("intact", "")


def test_what_is_cut_is_counted(victim: Victim, neighbourhood: Neighbourhood) -> None:
    victim.isolate()
    before = _cut(victim)
    _attack(neighbourhood)
    packets, size = _cut(victim)
    # At least: what earlier conversations still try to say is cut and counted as well.
    assert packets - before[0] >= 3
    assert size - before[1] >= 3 * (20 + 8 + 8)


def _attack(neighbourhood: Neighbourhood) -> None:
    """Three packets of eight bytes."""
    with neighbourhood.of[ATTACKER].inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attack:
        for _each in range(3):
            attack.sendto(b"12345678", (address_of(VICTIM, 4), 9))
    time.sleep(0.1)


def _cut(victim: Victim) -> tuple[int, int]:
    """Packets and bytes of IPv4 that came in and were dropped."""
    found = [
        (each["packets"], each["bytes"])
        for each in victim.do("counters")
        if each["chain"] in ("inet input", "IPv4 INCIDENT_IN")
        and each["rule"].split(" comment")[0].endswith(("drop", "-j DROP"))
    ]
    assert len(found) == 1
    return found[0]
