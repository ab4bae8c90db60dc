# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on a TCP port: sockets from the kernel, their holders from the processes' open files."""

from __future__ import annotations

import os
import socket
import struct
from typing import Callable, Collection, Optional, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._process.sock_diag import ListeningSocket, ask_kernel
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Listener, ProcessTable

_LISTEN = b"0A"
_FAMILIES = (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6))
Ask = Callable[[int], Optional[Sequence[ListeningSocket]]]


def read_listeners(
    ports: Collection[int], table: ProcessTable, proc: str = "/proc", ask: Ask = ask_kernel
) -> tuple[Listener, ...]:
    """The sockets in LISTEN on any of ``ports``, by port and address, each with the pids of ``table`` that hold it.

    Holders are empty where their open files may not be read. Open files are only looked at when a socket was found.
    A family that the kernel does not have has no sockets. ``ask``: family → all sockets in LISTEN, or None where
    /proc/net has to be read.
    """
    wanted = frozenset(ports)
    sockets: list[ListeningSocket] = []
    for name, family in _FAMILIES:
        known = ask(family)
        found = _listening(f"{proc}/net/{name}", family) if known is None else known
        sockets.extend(entry for entry in found if entry.port in wanted)
    holders = _holders(frozenset(entry.inode for entry in sockets), table, proc)
    return tuple(
        Listener(entry.port, entry.address, tuple(sorted(holders.get(entry.inode, ()))), entry.uid)
        for entry in sorted(sockets)
    )


def _listening(path: str, family: int) -> list[ListeningSocket]:
    found: list[ListeningSocket] = []
    try:
        with open(path, "rb") as file:
            for line in file:
                fields = line.split()
                if len(fields) < 10 or fields[3] != _LISTEN:
                    continue
                address, _colon, port = fields[1].rpartition(b":")
                text = _address(address.decode("ascii"), family)
                found.append(ListeningSocket(int(port, 16), text, int(fields[7]), int(fields[9])))
    except OSError:
        return []
    return found


def _address(digits: str, family: int) -> str:
    # The kernel prints each 32 bit word of the network-ordered address as a number of this machine.
    words = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
    return socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))


def _holders(inodes: frozenset[int], table: ProcessTable, proc: str) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    if not inodes:
        return found
    by_link = {f"socket:[{inode}]": inode for inode in inodes}
    for pid in table.processes:
        base = f"{proc}/{pid}/fd"
        try:
            names = os.listdir(base)
        except OSError:
            continue
        for name in names:
            try:
                inode = by_link.get(os.readlink(f"{base}/{name}"))
            except OSError:
                continue
            if inode is not None:
                found.setdefault(inode, set()).add(pid)
    return found
