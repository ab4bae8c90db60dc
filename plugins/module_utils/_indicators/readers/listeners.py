# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits for connections, and who reads whole packets."""

from __future__ import annotations

import os
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.sockets import sockets
from ansible_collections.toombos.incident.plugins.module_utils._indicators import texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream

_PORTS = "/proc/sys/net/ipv4/ip_local_port_range"


def listeners(host: Host) -> Stream:
    """One item per protocol, address and port, and per program that reads packets.

    UDP has no listening: bound sockets count, unless their port is one of those that the kernel lends to clients.
    """
    if not os.path.isdir(f"{host.proc}/net"):
        yield Mark("absent", "there is no /proc/net")
        return
    lent = _lent(host)
    seen: dict[str, Item] = {}
    unknown = 0
    for record in sockets(host.proc):
        entry = _listening(record, lent)
        if entry is None:
            continue
        pids = record["pids"]
        unknown += not pids and os.geteuid() != 0
        programs = sorted({_program(host, pid) for pid in pids})
        facts = {**entry, "pids": pids[:20], "programs": programs, "uid": record.get("uid")}
        key = " ".join((entry["protocol"], entry["local"] or ",".join(programs)))
        # Which program holds it is its state: sshd's port in other hands is a finding.
        seen[key] = Item(key, ",".join(os.path.basename(each) for each in programs), facts)
    yield from (seen[key] for key in sorted(seen))
    if unknown:
        yield Mark("denied", f"who holds {unknown} sockets")


def _listening(record: Mapping[str, Any], lent: range) -> dict[str, Any] | None:
    protocol = record["protocol"]
    if protocol == "packet":
        return {"protocol": "packet", "local": "", "port": 0, "exposed": False}
    local = str(record.get("local", ""))
    address, _colon, port = local.rpartition(":")
    exposed = not address.startswith(("127.", "[::1]", "[::ffff:127."))
    if protocol.startswith("tcp") and record["state"] == "listening":
        return {"protocol": protocol, "local": local, "port": int(port), "exposed": exposed}
    if protocol.startswith("udp") and record["state"] == "closed" and int(port) not in lent:
        return {"protocol": protocol, "local": local, "port": int(port), "exposed": exposed}
    return None


def _lent(host: Host) -> range:
    try:
        with open(host.at(_PORTS), "rb") as file:
            first, last = file.read(100).split()
        return range(int(first), int(last) + 1)
    except (OSError, ValueError):
        return range(32768, 61000)


def _program(host: Host, pid: int) -> str:
    try:
        return texts.name(os.readlink(f"{host.proc}/{pid}/exe"))
    except OSError:
        return "?"
