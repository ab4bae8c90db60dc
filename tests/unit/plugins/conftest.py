# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Peers on real sockets, friendly and hostile; none of them outlives its test."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from pathlib import Path
from typing import Callable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._evidence import children

Handler = Callable[[socket.socket], None]


def read_request(connection: socket.socket) -> bytes:
    """The request up to the end of its headers and of the body that Content-Length announces."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65536)
        if not received:
            return data
        data += received
    head, _blank, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        received = connection.recv(65536)
        body += received
        data += received
    return data


class Peer:
    """A listener that hands every connection to a handler, or answers with fixed bytes and hangs up."""

    def __init__(self, behaviour: Handler | bytes, listener: socket.socket) -> None:
        self.requests: list[bytes] = []
        self.closing = threading.Event()
        self._behaviour = behaviour
        self._listener = listener
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """The root of it, over IPv4."""
        return f"http://127.0.0.1:{self.port}/"

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        # The other side hangs up whenever it likes: that is what is being tested.
        with connection, contextlib.suppress(OSError):
            if isinstance(self._behaviour, bytes):
                self.requests.append(read_request(connection))
                connection.sendall(self._behaviour)
            else:
                self._behaviour(connection)

    def close(self) -> None:
        """End the listener, the connections and the threads."""
        self.closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(10)
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(10)
            assert not thread.is_alive()


class Peers:
    """Makes peers."""

    def __init__(self) -> None:
        self._all: list[Peer] = []

    def tcp(self, behaviour: Handler | bytes, family: socket.AddressFamily = socket.AF_INET) -> Peer:
        """A peer on a free port of the loopback interface of one family only."""
        listener = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return self._start(behaviour, listener)

    def unix(self, behaviour: Handler | bytes, path: Path) -> Peer:
        """A peer on a Unix socket."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        return self._start(behaviour, listener)

    def hang(self) -> Peer:
        """A peer that accepts and never says anything."""
        return self.tcp(void)

    def drip(self, first: bytes, drop: bytes) -> Peer:
        """A peer that sends something at once, and then a little for ever."""
        peer: list[Peer] = []

        def behave(connection: socket.socket) -> None:
            connection.sendall(first)
            while not peer or not peer[0].closing.wait(0.02):
                connection.sendall(drop)

        peer.append(self.tcp(behave))
        return peer[0]

    def reset_after(self, answer: bytes) -> Peer:
        """A peer that sends this and then resets the connection."""

        def behave(connection: socket.socket) -> None:
            read_request(connection)
            connection.sendall(answer)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        return self.tcp(behave)

    def json(self, text: str, status: int = 200) -> Peer:
        """A peer that answers with a JSON body."""
        body = text.encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return self.tcp(head.encode() + body)

    def free_port(self) -> int:
        """A port on which nothing listens."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def close(self) -> None:
        """End them all."""
        for peer in self._all:
            peer.close()

    def _start(self, behaviour: Handler | bytes, listener: socket.socket) -> Peer:
        listener.listen(64)
        peer = Peer(behaviour, listener)
        self._all.append(peer)
        return peer


def void(connection: socket.socket) -> None:
    """Listen until the other side, or the end of the test, hangs up."""
    while connection.recv(65536):
        pass


@pytest.fixture(autouse=True)
def programs_can_be_started() -> None:
    """A module is a process of its own; here a capture that was ended would keep others from starting anything."""
    children.begin()


@pytest.fixture
def peers() -> Iterator[Peers]:
    """A maker of peers."""
    maker = Peers()
    yield maker
    maker.close()
