# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's half of the proof of an isolation: looks, tries to get out, and listens whether anything gets in."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
import time
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._containment.connections import (
    established,
    listening,
    moved,
)
from ansible_collections.toombos.incident.plugins.module_utils._containment.ears import Ears
from ansible_collections.toombos.incident.plugins.module_utils._containment.filters import cut
from ansible_collections.toombos.incident.plugins.module_utils._containment.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._containment.info import standing
from ansible_collections.toombos.incident.plugins.module_utils._containment.observe import own_addresses
from ansible_collections.toombos.incident.plugins.module_utils._containment.probing import attempts
from ansible_collections.toombos.incident.plugins.module_utils._ssh_session import connection_of

HOLD = 1.5  # seconds that the host listens, and between two looks at its connections
_LISTENERS = 256
_RESOLVERS = ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf")
_TRACKED = "/proc/sys/net/netfilter/nf_conntrack_count"


def look(params: Mapping[str, Any]) -> dict[str, Any]:
    """What the controller has to know before it can ask: addresses, who listens, who is connected. Changes nothing."""
    return {
        "addresses": list(own_addresses()),
        "listeners": listening()[:_LISTENERS],
        "established": established(),
        "resolvers": resolvers(),
        "gateways": gateways(),
        "connection": connection_of(),
        "tracked": _number(_TRACKED),
        "standing": standing(params),
    }


def take_part(params: Mapping[str, Any]) -> dict[str, Any]:
    """One round of the proof, see ``ask`` in the documentation of the module.

    ``outward``: what came of each probe; ``heard``: where the word of the controller came in, ``deaf``: where nobody
    could listen; ``moved``: connections in which bytes went meanwhile; ``cut``: packets that our rules dropped.
    """
    ask = params["ask"]
    word = str(ask["word"]).encode()
    dropped = cut(Host(str(params["store_dir"]), str(params["state_dir"])).filters.counters())
    first, begun = established(), time.monotonic()
    places = [(family, protocol, "", int(ask["port"])) for family in (4, 6) for protocol in ("tcp", "udp")]
    with Ears(places if ask["port"] else [], word) as ears:
        tried = attempts(ask["outward"], word)
        time.sleep(max(0.0, HOLD - (time.monotonic() - begun)))
    second = established()
    after = standing(params)
    return {
        "outward": [list(each) for each in tried],
        "heard": [[family, protocol] for family, protocol, _address in sorted(ears.heard)],
        "deaf": [[family, protocol, why] for (family, protocol, _address), why in sorted(ears.deaf.items())],
        "established": second,
        "moved": moved(first, second),
        "told_bytes": all(each["bytes"] >= 0 for each in second),
        "connection": connection_of(),
        "standing": after,
        "cut": after["cut"] - dropped,
    }


def testify(params: Mapping[str, Any]) -> dict[str, Any]:
    """What another host sees of those in ``targets``; nothing is asked of this one but that."""
    return {"witnessed": [list(each) for each in attempts(params["targets"], b"")]}


def resolvers(paths: tuple[str, ...] = _RESOLVERS) -> list[str]:
    """Addresses of those whom this host asks for names, elsewhere."""
    found: list[str] = []
    for path in paths:
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
            found += re.findall(r"^\s*nameserver\s+([0-9a-fA-F:.]+)\s*$", file.read(1 << 16), re.MULTILINE)
    return [each for each in dict.fromkeys(found) if not each.startswith("127.") and each != "::1"][:4]


def gateways(proc: str = "/proc") -> list[str]:
    """Where the default routes of both families lead; those of IPv6 with the device behind ``%``."""
    found = []
    for line in _lines(f"{proc}/net/route"):
        fields = line.split()
        if len(fields) > 7 and fields[1] == fields[7] == "00000000" and fields[2] != "00000000":
            found.append(socket.inet_ntop(socket.AF_INET, struct.pack("=I", int(fields[2], 16))))
    for line in _lines(f"{proc}/net/ipv6_route"):
        fields = line.split()
        if len(fields) > 9 and fields[0] == "0" * 32 and fields[1] == "00" and fields[9] != "lo":
            address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[4]))
            if address != "::":
                found.append(f"{address}%{fields[9]}" if address.startswith("fe80") else address)
    return list(dict.fromkeys(found))[:4]


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(1 << 20).splitlines()
    except OSError:
        return []


def _number(path: str) -> int:
    """-1: the kernel does not say."""
    text = "".join(_lines(path)) if os.path.exists(path) else ""
    return int(text) if text.isdigit() else -1
