# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of containment: what stays possible for an isolated host, what was seen of it, what is put in place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

# Who begins a flow: somebody else, or this host.
IN = "in"
OUT = "out"

TCP = "tcp"
UDP = "udp"
PROTOCOLS = (TCP, UDP)

NFTABLES = "nftables"
IPTABLES = "iptables"
BACKENDS = (NFTABLES, IPTABLES)

MANAGEMENT = "management"


@dataclass(frozen=True, order=True)
class Flow:
    """Traffic that stays possible: in both directions, begun by one side only.

    ``network``: of the others, in canonical CIDR notation. ``port``: of the side that does not begin it.
    """

    family: int
    direction: str
    network: str
    protocol: str
    port: int
    why: str


@dataclass(frozen=True)
class Wish:
    """What was asked for. ``management`` and ``protected``: networks; ``ssh_port``: 0 for that of the connection.

    ``keep_responder``: the address from which this very connection comes stays reachable, whatever management says.
    """

    management: tuple[str, ...]
    ssh_port: int = 0
    allow: tuple[Flow, ...] = ()
    protected: tuple[str, ...] = ()
    backend: str = ""
    keep_responder: bool = True


@dataclass(frozen=True)
class Session:
    """One ssh connection as sshd sees it."""

    client: str
    client_port: int
    server: str
    server_port: int


@dataclass(frozen=True)
class Seen:
    """What was observed of the host.

    ``session``: over which this runs; None where there is none. ``sshd``: ports on which something of the name sshd
    listens. ``addresses``: its own, of both families. ``backends``: those that work here, the best first, each with
    why the others do not in ``unusable``. ``families``: those that the kernel speaks. ``notes``: for people.
    """

    session: Session | None
    sshd: tuple[int, ...]
    addresses: tuple[str, ...]
    backends: tuple[str, ...]
    unusable: Mapping[str, str] = field(default_factory=dict)
    families: tuple[int, ...] = (4, 6)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Why it must not be done, with the way out. ``firm``: breaking the glass does not help, it could not work."""

    message: str
    firm: bool = False


@dataclass(frozen=True)
class Plan:
    """What will be put in place, and what speaks against it. ``notes``: for people."""

    backend: str
    flows: tuple[Flow, ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; the digest of a plan is taken over this."""
        return {
            "backend": self.backend,
            "flows": [
                {
                    "direction": flow.direction,
                    "network": flow.network,
                    "protocol": flow.protocol,
                    "port": flow.port,
                    "why": flow.why,
                }
                for flow in self.flows
            ],
        }
