# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connections a host has, and whether anything moves in them, as its kernel tells (sock_diag(7), tcp_info)."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.sockets import sockets

_NETLINK_SOCK_DIAG = 4
_HEADER = struct.Struct("=IHHII")
_ESTABLISHED, _INFO = 1 << 1, 1 << 1  # the state, and the extension that is asked for
_DUMP, _DONE, _ERROR, _INTERRUPTED = 0x301, 3, 2, 0x10
_MESSAGE = 72  # bytes of struct inet_diag_msg
_BYTES = 120  # where tcp_info has bytes_acked and bytes_received
_MOST = 20_000


def established(proc: str = "/proc") -> list[dict[str, Any]]:
    """One entry per TCP connection: ``family``, ``local``, ``local_port``, ``remote``, ``remote_port``, ``inode`` and
    ``bytes``, acknowledged and received; -1 where this kernel does not say.
    """
    found: list[dict[str, Any]] = []
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            found += _ask(family)
        except (OSError, struct.error):
            found += _read(family, proc)
    return [_plain(each) for each in found[:_MOST]]


def listening(proc: str = "/proc") -> list[dict[str, Any]]:
    """``family``, ``protocol``, ``address`` and ``port`` of what waits for others, TCP and UDP."""
    found = []
    for each in sockets(proc):
        protocol = str(each["protocol"])
        waits = each.get("state") == "listening" or (protocol.startswith("udp") and each["remote"].endswith(":0"))
        if protocol.rstrip("6") in ("tcp", "udp") and waits:
            address, port = _end(each["local"])
            entry = {"family": 6 if protocol.endswith("6") else 4, "protocol": protocol.rstrip("6")}
            found.append({**entry, "address": address, "port": port})
    return found


def moved(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What of ``second`` has more ``bytes`` than in ``first``, with the number of them in ``moved``."""
    before = {_key(each): int(each["bytes"]) for each in first}
    return [
        {**each, "moved": int(each["bytes"]) - before[_key(each)]}
        for each in second
        if 0 <= before.get(_key(each), -1) < int(each["bytes"])
    ]


def _key(each: Mapping[str, Any]) -> tuple[Any, ...]:
    return each["local"], each["local_port"], each["remote"], each["remote_port"], each["inode"]


def _ask(family: int) -> list[dict[str, Any]]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as link:
        link.settimeout(2.0)
        request = struct.pack("=BBBBI48x", family, socket.IPPROTO_TCP, _INFO, 0, _ESTABLISHED)
        link.send(_HEADER.pack(_HEADER.size + len(request), 20, _DUMP, 1, 0) + request)
        return list(_answers(link, family))


def _answers(link: socket.socket, family: int) -> Iterator[dict[str, Any]]:
    while True:
        data = link.recv(1 << 16)
        while data:
            length, kind, flags, _sequence, _port = _HEADER.unpack_from(data)
            if kind == _DONE:
                return
            if kind == _ERROR or flags & _INTERRUPTED or length < _HEADER.size:
                raise OSError("the kernel does not say")
            yield _entry(data[_HEADER.size : length], family)
            data = data[(length + 3) & ~3 :]


def _entry(message: bytes, family: int) -> dict[str, Any]:
    local_port, remote_port = struct.unpack_from(">HH", message, 4)
    width = 4 if family == socket.AF_INET else 16
    count, at = -1, _MESSAGE
    while at + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, at)
        if kind == 2 and length >= 4 + _BYTES + 16:
            count = sum(struct.unpack_from("=QQ", message, at + 4 + _BYTES))
        at += max(4, (length + 3) & ~3)
    return {
        "family": 4 if family == socket.AF_INET else 6,
        "local": socket.inet_ntop(family, message[8 : 8 + width]),
        "local_port": local_port,
        "remote": socket.inet_ntop(family, message[24 : 24 + width]),
        "remote_port": remote_port,
        "inode": struct.unpack_from("=I", message, 68)[0],
        "bytes": count,
    }


def _read(family: int, proc: str) -> list[dict[str, Any]]:
    """Without what moves in them."""
    found = []
    name = "tcp" if family == socket.AF_INET else "tcp6"
    with contextlib.suppress(OSError):
        for each in sockets(proc):
            if each["protocol"] == name and each["state"] == "established":
                (local, local_port), (remote, remote_port) = _end(each["local"]), _end(each["remote"])
                found.append({
                    "family": 4 if name == "tcp" else 6, "local": local, "local_port": local_port, "remote": remote,
                    "remote_port": remote_port, "inode": each["inode"], "bytes": -1,
                })  # fmt: skip
    return found


def _plain(each: dict[str, Any]) -> dict[str, Any]:
    """IPv4 in a socket of IPv6 is IPv4 on the wire."""
    ends = {end: str(each[end]) for end in ("local", "remote")}
    if each["family"] == 6 and all(text.startswith("::ffff:") and "." in text for text in ends.values()):
        return {**each, "family": 4, **{end: text[7:] for end, text in ends.items()}}
    return each


def _end(text: str) -> tuple[str, int]:
    address, _colon, port = text.rpartition(":")
    return address.strip("[]"), int(port)
