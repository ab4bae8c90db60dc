# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets with the processes that hold them, from /proc/net and the processes' open files."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import Any, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._process.table import list_pids

_INTERNET = {
    "tcp": socket.AF_INET,
    "tcp6": socket.AF_INET6,
    "udp": socket.AF_INET,
    "udp6": socket.AF_INET6,
    "udplite": socket.AF_INET,
    "udplite6": socket.AF_INET6,
    "raw": socket.AF_INET,
    "raw6": socket.AF_INET6,
    "icmp": socket.AF_INET,
    "icmp6": socket.AF_INET6,
}
# include/net/tcp_states.h
_STATES = {
    1: "established",
    2: "syn-sent",
    3: "syn-received",
    4: "fin-wait-1",
    5: "fin-wait-2",
    6: "time-wait",
    7: "closed",
    8: "close-wait",
    9: "last-ack",
    10: "listening",
    11: "closing",
    12: "new-syn-received",
}


def sockets(proc: str = "/proc") -> Iterator[dict[str, Any]]:
    """One record per socket of this network namespace: protocol, both ends, state, user, inode, holders (pids)."""
    holders = _holders(proc)
    for protocol, family in _INTERNET.items():
        for fields in _rows(f"{proc}/net/{protocol}", 10):
            inode = int(fields[9])
            yield {
                "protocol": protocol,
                "local": _end(fields[1], family),
                "remote": _end(fields[2], family),
                "state": _STATES.get(int(fields[3], 16), fields[3]),
                "uid": int(fields[7]),
                "inode": inode,
                "pids": holders.get(inode, []),
            }
    for fields in _rows(f"{proc}/net/unix", 7):
        inode = int(fields[6])
        path = " ".join(fields[7:])
        yield {"protocol": "unix", "local": path, "type": fields[4], "inode": inode, "pids": holders.get(inode, [])}
    for fields in _rows(f"{proc}/net/packet", 9):
        inode = int(fields[8])
        yield {"protocol": "packet", "interface": fields[4], "inode": inode, "pids": holders.get(inode, [])}


def _rows(path: str, least: int) -> Iterator[list[str]]:
    """The fields of each line after the heading; none where the kernel has no such protocol."""
    try:
        with open(path, "rb") as file:
            next(file, b"")
            for line in file:
                fields = os.fsdecode(line).split()
                if len(fields) >= least:
                    yield fields
    except FileNotFoundError:
        return


def _end(text: str, family: int) -> str:
    # The kernel prints each 32 bit word of the network-ordered address as a number of this machine.
    digits, _colon, port = text.rpartition(":")
    words = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
    address = socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))
    return f"[{address}]:{int(port, 16)}" if family == socket.AF_INET6 else f"{address}:{int(port, 16)}"


def _holders(proc: str) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for pid in list_pids(proc):
        for link in set(_links(f"{proc}/{pid}/fd")):
            if link.startswith("socket:["):
                found.setdefault(int(link[8:-1]), []).append(pid)
    return found


def _links(folder: str) -> Iterator[str]:
    with contextlib.suppress(OSError):  # it has ended, or is not ours to look at
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):  # closed meanwhile, as the one with which we have just looked
                yield os.readlink(f"{folder}/{name}")
