# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks as people write them, read without guessing: one whose host bits are set may be meant as an address."""

from __future__ import annotations

import ipaddress
from typing import Any, Union

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

# Wider than these, it is no longer the network of people who respond, but half of the world.
_WIDEST = {4: 8, 6: 16}


class Unfit(ValueError):
    """Why a text is no network that may be let in."""


def read_network(value: Any) -> Network:
    """One address or network that may stay reachable. Raises Unfit, with words that continue ``'10.0.0.0/33' ...``."""
    if not isinstance(value, str) or not value.strip():
        raise Unfit("must be an address or a network in CIDR notation, such as 192.0.2.0/24 or 2001:db8::7")
    text = value.strip()
    if "%" in text:
        raise Unfit("must be without a zone: the scope of an address is not the same on every host")
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise Unfit(_why(text)) from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is not None:
        raise Unfit(f"is an IPv4 address in the clothes of IPv6, write {mapped}")
    first = network.network_address
    if network.prefixlen < _WIDEST[network.version]:
        raise Unfit(
            f"is too wide, at most /{_WIDEST[network.version]} may stay reachable; name the networks of responders"
        )
    if first.is_multicast:
        raise Unfit("is multicast, from which nobody connects")
    if first.is_loopback or first.is_unspecified or str(first) == "255.255.255.255":
        raise Unfit("is no address that somebody else can have")
    return network


def read_address(text: str) -> Address:
    """An address as the kernel and sshd say it: zones go, and IPv4 within IPv6 becomes IPv4. Raises ValueError."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped if mapped is not None else address


def covers(networks: tuple[str, ...], address: Address) -> bool:
    """Whether the address is in one of them."""
    return any(address in ipaddress.ip_network(network) for network in networks)


def _why(text: str) -> str:
    try:
        loose = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return (
            "is no address and no network in CIDR notation; names are not looked up, for DNS may be what was attacked"
        )
    return f"has host bits set, write {loose} for the network or {text.partition('/')[0]} for the address"
