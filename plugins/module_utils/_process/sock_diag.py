# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the kernel for the sockets that listen, and for those alone (sock_diag(7)).

/proc/net/tcp walks through the table of all connections: milliseconds on an idle host, seconds on one with a hundred
thousand of them. This walks through the listening ones.
"""

from __future__ import annotations

import socket
import struct
from typing import Iterator, NamedTuple

_NETLINK_SOCK_DIAG = 4
_BY_FAMILY = 20
_DUMP = 0x301  # a request, for all that fit
_INTERRUPTED = 0x10  # the table changed under the dump: something may be missing
_ERROR, _DONE = 2, 3
_LISTEN = 1 << 10
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_REQUEST = struct.Struct("=BBBBI48x")  # family, protocol, extensions, padding, states, no particular socket
_ANSWER = struct.Struct("=4x2s2x16s16x12x12xII")  # port, address; user and inode
_LONGEST = 1 << 16
_PATIENCE = 2.0  # seconds; the kernel answers at once or not at all


class ListeningSocket(NamedTuple):
    """One socket in LISTEN. ``uid``: of whoever made it."""

    port: int
    address: str
    uid: int
    inode: int


def ask_kernel(family: int) -> list[ListeningSocket] | None:
    """The TCP sockets of this family in LISTEN, in the network namespace of this process.

    None when this kernel does not say, or not completely.
    """
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as link:
            link.settimeout(_PATIENCE)
            size = _HEADER.size + _REQUEST.size
            request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, _LISTEN)
            link.send(_HEADER.pack(size, _BY_FAMILY, _DUMP, 1, 0) + request)
            return list(_answers(link, family))
    except (OSError, struct.error):  # no such protocol in this kernel, or not for us
        return None


def _answers(link: socket.socket, family: int) -> Iterator[ListeningSocket]:
    """Raises OSError for an answer that is none."""
    while True:
        data = link.recv(_LONGEST)
        while data:
            length, kind, flags, _sequence, _port = _HEADER.unpack_from(data)
            if kind == _DONE:
                return
            if kind == _ERROR or flags & _INTERRUPTED or length < _HEADER.size:
                raise OSError("the kernel does not say")
            port, address, uid, inode = _ANSWER.unpack_from(data, _HEADER.size)
            width = 4 if family == socket.AF_INET else 16
            text = socket.inet_ntop(family, address[:width])
            yield ListeningSocket(int.from_bytes(port, "big"), text, uid, inode)
            data = data[(length + 3) & ~3 :]
