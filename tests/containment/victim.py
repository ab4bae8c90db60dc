# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host that is isolated, with one of the packet filters."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

from neighbourhood import MANAGEMENT_NETWORKS, RESOLVER, SSH
from spaces import Space

from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.backend import Backend
from ansible_collections.toombos.incident.plugins.module_utils._containment.by_iptables import Iptables
from ansible_collections.toombos.incident.plugins.module_utils._containment.by_nft import Nftables
from ansible_collections.toombos.incident.plugins.module_utils._containment.commands import find_program

BACKENDS = ("nftables", "iptables-nft", "iptables-legacy")

FLOWS = tuple(
    t.Flow(ipaddress.ip_network(network).version, t.IN, network, t.TCP, SSH, t.MANAGEMENT)
    for network in MANAGEMENT_NETWORKS
)
RESOLVERS = tuple(
    t.Flow(family, t.OUT, str(ipaddress.ip_network(address)), t.UDP, 53, "the resolver")
    for family, address in RESOLVER.items()
)


def make(name: str) -> Backend:
    """``iptables-legacy``: on a host that has no other one."""
    if name == "nftables":
        return Nftables()
    if name == "iptables-nft":
        return Iptables()
    return Iptables(which=lambda program: find_program(program) if "-legacy-" in program else "")


class Victim:
    """What the backend does, done on the host."""

    def __init__(self, space: Space, name: str) -> None:
        self.space, self.name = space, name
        self.backend = make(name)

    def isolate(self, *more: t.Flow) -> None:
        self.do("isolate", (*FLOWS, *more))

    def release(self) -> None:
        self.do("release")

    def do(self, verb: str, *arguments: Any) -> Any:
        with self.space.inside():
            return getattr(self.backend, verb)(*arguments)

    def forget_legacy(self) -> None:
        for program in ("iptables-legacy", "ip6tables-legacy"):
            for words in ("-F", "-X"):
                self.space.run(program, words)


def track(space: Space) -> None:
    """As on a host with docker, ufw or any translation of addresses: the kernel knows its connections."""
    rules = "type filter hook input priority 0; ct state established counter"
    space.run("nft", "-f", "-", text=f"table inet tracked {{\nchain input {{\n{rules}\n}}\n}}\n")


def forget_ufw(space: Space) -> None:
    """As it was installed."""
    # It keeps what it forgets in files whose names tell the second, and two within one are an error to it.
    for kept in Path("/etc/ufw").glob("*.rules.2*"):
        kept.unlink()
    for words in ("--force reset", "default allow outgoing", "default deny incoming"):
        space.run("ufw", *words.split())
