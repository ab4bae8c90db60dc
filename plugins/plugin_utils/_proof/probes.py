# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which probes make a proof of the isolation of this host. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._containment.probing import ANSWERED
from ansible_collections.toombos.incident.plugins.plugin_utils._proof.judge import (
    CONTROLLER,
    HOST,
    UNKNOWN,
    WITNESS,
    Answer,
    Probe,
    abroad,
)

MOST_PORTS = 32  # of a kind
MOST_PEERS = 8
KNOCK, LISTENER = "a listener for the proof", "a listener of the controller"


def version(address: str) -> int:
    """4 or 6; 0 for what is no address."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).version
    except ValueError:
        return 0


def knocks(addresses: Sequence[str]) -> list[Probe]:
    """Into the host, where it listens for the moment of the proof, and echo requests."""
    return [
        Probe(CONTROLLER, version(address), kind, address, 0, "echo" if kind == "icmp" else KNOCK)
        for address in addresses
        for kind in ("tcp", "udp", "icmp")
    ]


def services(addresses: Sequence[str], listeners: Sequence[Mapping[str, Any]], ssh: Sequence[int]) -> list[Probe]:
    """Into the host, where it listens anyway, as far as that is no matter of its own."""
    found: dict[Probe, None] = {}
    for each in sorted(listeners, key=lambda each: (each["port"] not in ssh, each["protocol"], each["port"])):
        where = ipaddress.ip_address(str(each["address"]))
        for address in addresses:
            heard = where == ipaddress.ip_address(address) or (
                where.is_unspecified and (where.version == 6 or version(address) == 4)
            )
            if heard and each["protocol"] in ("tcp", "udp"):
                is_ssh = each["protocol"] == "tcp" and each["port"] in ssh
                words = "ssh" if is_ssh else "a service"
                found[Probe(CONTROLLER, version(address), each["protocol"], address, each["port"], words, is_ssh)] = (
                    None
                )
    kept = []
    for kind in ("tcp", "udp"):
        kept += [probe for probe in found if probe.protocol == kind][:MOST_PORTS]
    return kept


def outward(sources: Mapping[int, str], resolvers: Sequence[str], gateways: Sequence[str]) -> list[Probe]:
    """Out of the host: to a listener of the controller, to whom it asks for names, to its routers."""
    found = [
        Probe(HOST, family, kind, address, 0, "echo of the controller" if kind == "icmp" else LISTENER)
        for family, address in sorted(sources.items())
        for kind in ("tcp", "udp", "icmp")
    ]
    found += [Probe(HOST, version(each), "udp", each, 53, "a resolver") for each in resolvers if version(each)]
    found += [Probe(HOST, version(each), "icmp", each, 0, "echo of a router") for each in gateways if version(each)]
    return found


def peers(
    established: Sequence[Mapping[str, Any]],
    moved: Sequence[Mapping[str, Any]],
    listeners: Sequence[Mapping[str, Any]],
    own: Sequence[str],
) -> list[Answer]:
    """Out of the host to whom it was connected when it was looked at, where the host is likely to have begun it.

    Nobody connects to them before the host is isolated. That they could be reached only those show in whose connections
    bytes ``moved``: the socket of one that is cut, or whose other end is gone, lives on.
    """
    served = {int(each["port"]) for each in listeners if each["protocol"] == "tcp"}
    alive = {(each["remote"], each["remote_port"]) for each in moved}
    found: dict[Probe, tuple[str, str]] = {}
    for each in sorted(abroad(established, own), key=lambda each: (each["remote"], each["remote_port"]) not in alive):
        remote = str(each["remote"])
        if each["local_port"] in served or ipaddress.ip_address(remote).is_link_local:
            continue
        probe = Probe(HOST, version(remote), "tcp", remote, int(each["remote_port"]), "a peer")
        shown = (each["remote"], each["remote_port"]) in alive
        found[probe] = (ANSWERED, "it was connected") if shown else (UNKNOWN, "it was connected, and nothing moved")
    return [Answer(probe, *seen) for probe, seen in list(found.items())[:MOST_PEERS]]


def from_witness(addresses: Sequence[str], port: int) -> list[Probe]:
    """Into the host, to its ssh, from somebody who is no responder."""
    return [Probe(WITNESS, version(address), "tcp", address, port, "ssh of a witness", True) for address in addresses]
