# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A heart that beats over an open connection: the kernel sends, answers, and says when each answer came.

No process has to get its turn for a beat, so that what is measured is the packet filter, however busy the machine is.
"""

from __future__ import annotations

import socket
import struct
import threading
import time

from spaces import Space
from talks import Listener, Tcp, converse

# Of Linux, and not of Python's socket.
_SNDBUFFORCE, _RCVBUFFORCE, _TIMESTAMPS, _PACING_RATE = 32, 33, 35, 47
_TIMESPEC = struct.Struct("@qq")
_IPV4 = 0x0800
_SEGMENT = 200  # bytes, so that seconds of beats fit into the memory of a connection
_AT_ONCE = 2  # segments that the kernel sends together, at the least; so many are acknowledged without delay
_LONGEST = 20.0  # seconds of beats
_NS = 1e9


class Beat:
    """``talk``: to a port of ``heartening``. ``space``: of who calls; ``every``: seconds, about."""

    def __init__(self, talk: Tcp, space: Space, every: float = 0.01) -> None:
        assert converse([talk], 5.0) == [(True, True)]
        assert talk.server is not None
        client, self._server = talk.client, talk.server
        space.set("ipv4/tcp_tso_rtt_log", 0)  # else more is sent at once to those who are near
        with space.inside():
            self._seen = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_IPV4))
        self._seen.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, 1 << 24)
        self._seen.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
        self._port = client.getsockname()[1]
        self._reads = threading.Thread(target=self._read, daemon=True)
        self._reads.start()
        client.setsockopt(socket.SOL_SOCKET, _SNDBUFFORCE, 1 << 24)
        beat = _AT_ONCE * client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        client.setsockopt(socket.SOL_SOCKET, _PACING_RATE, int(beat / every))
        client.setblocking(False)
        client.send(b"." * int(beat * _LONGEST / every))

    def moments(self) -> list[float]:
        """When each answer came, by the clock ``monotonic``; nobody listens to the heart any more."""
        self._server.shutdown(socket.SHUT_RD)
        self._reads.join(10.0)
        self._seen.setblocking(False)
        found, past = [], time.monotonic() - time.time()
        with self._seen:
            while True:
                try:
                    packet, told, _flags, address = self._seen.recvmsg(128, 64)
                except BlockingIOError:
                    return found
                if address[2] == socket.PACKET_HOST and self._is_ours(packet):
                    seconds, ns = next(_TIMESPEC.unpack(value) for _level, kind, value in told if kind == _TIMESTAMPS)
                    found.append(past + seconds + ns / _NS)

    def _is_ours(self, packet: bytes) -> bool:
        header = (packet[0] & 15) * 4
        return packet[9] == socket.IPPROTO_TCP and int.from_bytes(packet[header + 2 : header + 4], "big") == self._port

    def _read(self) -> None:
        """What is not read stops being sent."""
        self._server.settimeout(None)
        while self._server.recv(1 << 16):
            pass


def heartening(listener: Listener) -> None:
    """Let those who call from now on send small segments."""
    listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)


def largest_gap(moments: list[float], begin: float, end: float) -> float:
    """Milliseconds between two beats of which one at least is between these moments."""
    pairs = [(first, second) for first, second in zip(moments, moments[1:]) if second >= begin and first <= end]
    return max(second - first for first, second in pairs) * 1000
