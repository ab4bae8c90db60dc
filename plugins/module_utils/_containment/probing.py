# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One attempt to get something from one machine to another, by TCP, UDP or ICMP. Runs on both sides of a proof."""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
import time
from typing import Any, Mapping, Sequence

ANSWERED = "answered"
REFUSED = "refused"  # something came back, and be it that nobody is there
SILENT = "silent"
NOT_MADE = "not_made"

TIMEOUT = 1.0  # seconds
MOST = 96  # attempts at a time
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_NO_WAY = (errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
_REFUSALS = (errno.ECONNREFUSED, errno.ECONNRESET)
_ICMP = {4: (8, 0), 6: (128, 129)}  # request, reply
# Who serves the root: a question that every resolver understands.
_QUESTION = struct.pack(">6H", 0x1DC7, 0x0100, 1, 0, 0, 0) + b"\0" + struct.pack(">2H", 2, 1)
Seen = Sequence[str]  # what was seen, and why


def attempt(probe: Mapping[str, Any], payload: bytes, timeout: float = TIMEOUT) -> Seen:
    """What came of it, and why. ``probe``: ``family`` 4 or 6, ``protocol``, ``address``, ``port``, ``banner``: whether
    it has to be an ssh server that answers, ``say``: whether a connection is to say the payload; services are told
    nothing. What cannot leave this machine is ``not_made``.
    """
    family = _FAMILIES[int(probe["family"])]
    try:
        place = socket.getaddrinfo(
            str(probe["address"]), int(probe["port"]), family, socket.SOCK_DGRAM, 0, socket.AI_NUMERICHOST
        )[0][4]
        said = payload if probe.get("say") or probe["protocol"] != "tcp" else b""
        return _WAYS[str(probe["protocol"])](family, place, said, timeout, bool(probe.get("banner")))
    except socket.gaierror as error:
        return NOT_MADE, f"no address: {error.strerror}"
    except socket.timeout:
        return SILENT, ""
    except OSError as error:
        return _failed(error)


def attempts(probes: Sequence[Mapping[str, Any]], payload: bytes, timeout: float = TIMEOUT) -> list[Seen]:
    """All of them at once, in their order; whoever is beyond ``MOST`` is not asked."""
    seen: list[Seen] = [(NOT_MADE, f"more than {MOST} at a time")] * len(probes)

    def one(number: int) -> None:
        seen[number] = attempt(probes[number], payload, timeout)

    threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(min(MOST, len(probes)))]
    for each in threads:
        each.start()
    until = time.monotonic() + 3 * timeout + 1
    for each in threads:
        each.join(max(0.0, until - time.monotonic()))
    return list(seen)


def _failed(error: OSError) -> Seen:
    if error.errno in _REFUSALS:
        return REFUSED, "somebody refused"
    if error.errno in _NO_WAY:
        return NOT_MADE, str(error.strerror)
    # Among them EPERM: a packet filter of this very machine has dropped it.
    return SILENT, str(error.strerror or error)


def _tcp(family: int, place: Any, payload: bytes, timeout: float, banner: bool) -> Seen:
    with socket.socket(family, socket.SOCK_STREAM) as link:
        link.settimeout(timeout)
        link.connect(place)
        if not banner:
            link.sendall(payload)
            return ANSWERED, ""
        try:
            said = link.recv(64)
        except OSError:
            said = b""
        return (ANSWERED, "") if said.startswith(b"SSH-") else (REFUSED, "connected, and no banner of ssh came")


def _udp(family: int, place: Any, payload: bytes, timeout: float, _banner: bool) -> Seen:
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        link.settimeout(timeout)
        link.connect(place)
        link.send(_QUESTION if place[1] == 53 else payload)
        link.recv(64)
    return ANSWERED, ""


def _ping(family: int, place: Any, payload: bytes, timeout: float, _banner: bool) -> Seen:
    request, reply = _ICMP[4 if family == socket.AF_INET else 6]
    raw, link = _echo_socket(family)
    if link is None:
        return NOT_MADE, "this user may not send echo requests"
    with link:
        link.connect((place[0], 0, *place[2:]))
        link.send(_echo(request, payload))
        until = time.monotonic() + timeout
        while True:
            link.settimeout(max(0.001, until - time.monotonic()))
            data = link.recv(2048)
            begin = (data[0] & 15) * 4 if raw and family == socket.AF_INET else 0
            if data[begin : begin + 1] == bytes([reply]) and payload in data:
                return ANSWERED, ""


def _echo_socket(family: int) -> tuple[bool, socket.socket | None]:
    """Whether it is raw, and the socket; the kernel gives an unprivileged one to groups of its choice."""
    number = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    for raw, kind in ((False, socket.SOCK_DGRAM), (True, socket.SOCK_RAW)):
        try:
            return raw, socket.socket(family, kind, number)
        except OSError:
            continue
    return False, None


def _echo(request: int, payload: bytes) -> bytes:
    """With the sum of IPv4; that of IPv6, which knows the addresses, the kernel puts in its place."""
    number = os.getpid() & 0xFFFF
    words = payload + b"\0" * (len(payload) % 2)
    total = sum(struct.unpack(f">{len(words) // 2 + 4}H", struct.pack(">BBHHH", request, 0, 0, number, 1) + words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">BBHHH", request, 0, ~total & 0xFFFF, number, 1) + words


_WAYS = {"tcp": _tcp, "udp": _udp, "icmp": _ping}
