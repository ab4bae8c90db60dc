# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was asked for and what was seen to what will be put in place, or why it must not be. Pure."""

from __future__ import annotations

import ipaddress

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.networks import (
    Address,
    Network,
    covers,
    read_address,
)


def plan(wish: t.Wish, seen: t.Seen) -> t.Plan:
    """The flows that stay, and everything that speaks against it.

    The address from which the responder really comes stays reachable unless that was declined: a wrong list of networks
    must not be what locks people out.
    """
    backend, refusals = _backend(wish, seen)
    management = [ipaddress.ip_network(network) for network in wish.management]
    responder, notes = _responder(wish, seen)
    ports = _ports(wish, seen)
    flows = [
        t.Flow(network.version, t.IN, str(network), t.TCP, port, t.MANAGEMENT)
        for network in (*management, *responder)
        for port in ports
    ]
    refusals += [*_reach(wish, seen, ports), *_host(wish, seen, management)]
    return t.Plan(backend, tuple(sorted({*flows, *wish.allow})), tuple(refusals), (*notes, *seen.notes))


def _backend(wish: t.Wish, seen: t.Seen) -> tuple[str, list[t.Refusal]]:
    if wish.backend in seen.backends:
        return wish.backend, []
    if wish.backend:
        why = seen.unusable.get(wish.backend, "it is not there")
        return wish.backend, [
            t.Refusal(f"{wish.backend} does not work here: {why}. Leave backend out, what works is found then.", True)
        ]
    if seen.backends:
        return seen.backends[0], []
    reasons = "; ".join(f"{name}: {why}" for name, why in seen.unusable.items()) or "none is installed"
    return "", [
        t.Refusal(f"No packet filter works here ({reasons}). Install nftables, or isolate the host from outside.", True)
    ]


def _responder(wish: t.Wish, seen: t.Seen) -> tuple[list[Network], list[str]]:
    """The responder's own address where it has to be added, with a word about it."""
    client = _client(seen)
    if client is None or not wish.keep_responder or covers(wish.management, client):
        return [], []
    words = f"{client}, from where this connection comes, is in no management network; it stays reachable as well."
    return [ipaddress.ip_network(str(client))], [words]


def _reach(wish: t.Wish, seen: t.Seen, ports: tuple[int, ...]) -> list[t.Refusal]:
    """What keeps people from reaching the host afterwards."""
    client, refusals = _client(seen), []
    if client is None and not wish.management:
        refusals.append(
            t.Refusal(
                "Nobody could reach the host: management names no network, and there is no ssh connection from "
                "elsewhere to keep. Name the networks of responders.",
                True,
            )
        )
    if not ports:
        refusals.append(t.Refusal("No sshd listens on this host. Name the port in ssh_port.", True))
    if seen.session is not None and wish.ssh_port and wish.ssh_port != seen.session.server_port:
        port = seen.session.server_port
        refusals.append(
            t.Refusal(
                f"ssh_port is {wish.ssh_port}, and this connection came to port {port}: it would be cut. "
                "Leave ssh_port out."
            )
        )
    elif ports and seen.sshd and not set(ports) & set(seen.sshd):
        heard = ", ".join(map(str, seen.sshd))
        refusals.append(
            t.Refusal(f"Nothing listens on the ssh port {ports[0]}; sshd listens on {heard}. Leave ssh_port out.")
        )
    if client is not None and not wish.keep_responder and not covers(wish.management, client):
        refusals.append(
            t.Refusal(
                f"{client}, from where this connection comes, is in no management network: it would be cut. Add it."
            )
        )
    return refusals


def _host(wish: t.Wish, seen: t.Seen, management: list[Network]) -> list[t.Refusal]:
    """What speaks against it because of which host this is."""
    own = {read_address(address) for address in seen.addresses}
    refusals = []
    guarded = sorted(str(address) for address in own if covers(wish.protected, address))
    if guarded:
        refusals.append(
            t.Refusal(
                f"This host is protected ({', '.join(guarded)}): a controller, a jump host, or one that others need. "
                "Take it off the list if that is meant."
            )
        )
    inside = [network for network in management if network.num_addresses == 1 and network.network_address in own]
    if inside:
        named = ", ".join(str(network.network_address) for network in inside)
        refusals.append(
            t.Refusal(f"management names this host itself ({named}). Name the addresses that people come from.", True)
        )
    return refusals


def _client(seen: t.Seen) -> Address | None:
    """From where the responder comes; None where that says nothing: no ssh, or from the host itself."""
    if seen.session is None:
        return None
    client = read_address(seen.session.client)
    return None if client.is_loopback or str(client) in seen.addresses else client


def _ports(wish: t.Wish, seen: t.Seen) -> tuple[int, ...]:
    if wish.ssh_port:
        return (wish.ssh_port,)
    return (seen.session.server_port,) if seen.session is not None else seen.sshd
