# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations between hosts, many at once: what of the words that both sides say is heard by the other one."""

from __future__ import annotations

import abc
import contextlib
import itertools
import select
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from typing import Any

from neighbourhood import ADDRESS, Neighbourhood
from spaces import Space

_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
_words = itertools.count(1)


def _word() -> bytes:
    return b"<%08d>" % next(_words)


class Talk(abc.ABC):
    """One conversation. ``say``: both sides say something new; ``heard``: (there, and back)."""

    def __init__(self) -> None:
        self.there = self.back = b""
        self.got_there, self.got_back = b"", b""

    def say(self) -> None:
        self.there, self.back = _word(), _word()

    def heard(self) -> tuple[bool, bool]:
        return self.there in self.got_there, self.back in self.got_back

    @abc.abstractmethod
    def sockets(self) -> Sequence[socket.socket]:
        """Those that it is held over."""

    @abc.abstractmethod
    def move(self) -> None:
        """Send what can be sent, and take what has come."""

    def close(self) -> None:
        for each in self.sockets():
            each.close()


class Tcp(Talk):
    """``listener``: of the one who is called, shared by all who call. ``own``: address and port of who calls."""

    def __init__(
        self,
        space: Space,
        family: int,
        address: str,
        port: int,
        listener: Listener,
        own: tuple[str, int] | None = None,
    ) -> None:
        super().__init__()
        with space.inside():
            self.client = socket.socket(_FAMILY[family], socket.SOCK_STREAM)
            self.client.setblocking(False)
            self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if own is not None:
                self.client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self.client.bind(own)
            with contextlib.suppress(OSError):  # in progress, or not permitted
                self.client.connect((address, port))
        self.listener = listener
        self.server: socket.socket | None = None
        self._said = [True, True]

    def say(self) -> None:
        super().say()
        self._said = [False, False]

    def sockets(self) -> list[socket.socket]:
        return [each for each in (self.client, self.server) if each is not None]

    def abort(self) -> None:
        """End it so that its port is free at once."""
        for each in self.sockets():
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            each.close()

    def move(self) -> None:
        with contextlib.suppress(OSError):
            self.server = self.server or self.listener.take(self.client.getsockname()[:2])
        for number, end, word in ((0, self.client, self.there), (1, self.server, self.back)):
            if end is not None and not self._said[number]:
                with contextlib.suppress(OSError):
                    end.send(word)
                    self._said[number] = True
        self.got_there += _take(self.server)
        self.got_back += _take(self.client)


class Listener:
    """A port that is listened on."""

    def __init__(self, space: Space, family: int, port: int) -> None:
        with space.inside():
            self.socket = socket.socket(_FAMILY[family], socket.SOCK_STREAM)
            if family == 6:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(("", port))
            self.socket.listen(256)
            self.socket.setblocking(False)
        self._waiting: dict[Any, socket.socket] = {}

    def take(self, caller: Any) -> socket.socket | None:
        """The connection of this caller, if it has come."""
        with contextlib.suppress(OSError):
            while True:
                connection, address = self.socket.accept()
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._waiting[address[:2]] = connection
        return self._waiting.pop(caller, None)


class Udp(Talk):
    """A port of its own for each. The one who was never asked answers nobody."""

    def __init__(self, space: Space, family: int, address: str, there: Space, port: int = 0) -> None:
        super().__init__()
        with there.inside():
            self.server = socket.socket(_FAMILY[family], socket.SOCK_DGRAM)
            self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.server.bind((address, port))
        with space.inside():
            self.client = socket.socket(_FAMILY[family], socket.SOCK_DGRAM)
        self.target = (address, self.server.getsockname()[1])
        for each in self.sockets():
            each.setblocking(False)
        self.caller: Any = None
        self._answered = True

    def sockets(self) -> list[socket.socket]:
        return [self.client, self.server]

    def say(self) -> None:
        super().say()
        self._answered = False
        with contextlib.suppress(OSError):
            self.client.sendto(self.there, self.target)

    def move(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, self.caller = self.server.recvfrom(64)
                self.got_there += data
        if self.caller is not None and not self._answered:
            with contextlib.suppress(OSError):
                self.server.sendto(self.back, self.caller)
                self._answered = True
        self.got_back += _take(self.client)


class Echo(Talk):
    """Questions and answers of ICMP, all of one identity: later ones belong to the flow of the first."""

    _TYPES = {4: (socket.IPPROTO_ICMP, 8, 0), 6: (58, 128, 129)}

    def __init__(self, space: Space, family: int, address: str, there: Space) -> None:
        super().__init__()
        self.family, self.target = family, address
        protocol, self.asks, self.answers = self._TYPES[family]
        ends = []
        for each in (space, there):
            with each.inside():
                ends.append(socket.socket(_FAMILY[family], socket.SOCK_RAW, protocol))
        self.client, self.server = ends
        for end in ends:
            end.setblocking(False)
        self.identity = next(_words) % 65536

    def sockets(self) -> list[socket.socket]:
        return [self.client, self.server]

    def say(self) -> None:
        self.there = self.back = _word()
        head = struct.pack("!BBHHH", self.asks, 0, 0, self.identity, 1)
        head = struct.pack("!BBHHH", self.asks, 0, _checksum(head + self.there), self.identity, 1)
        with contextlib.suppress(OSError):
            self.client.sendto(head + self.there, (self.target, 0))

    def move(self) -> None:
        self.got_there += self._read(self.server, self.asks)
        self.got_back += self._read(self.client, self.answers)

    def _read(self, end: socket.socket, kind: int) -> bytes:
        found = b""
        with contextlib.suppress(OSError):
            while True:
                data = end.recv(256)
                data = data[(data[0] & 15) * 4 :] if self.family == 4 else data
                if data[0] == kind and int.from_bytes(data[4:6], "big") == self.identity:
                    found += data[8:]
        return found


def listen(space: Space, port: int) -> dict[int, Listener]:
    """On a port, for both families."""
    return {family: Listener(space, family, port) for family in (4, 6)}


def address_of(name: str, family: int) -> str:
    return ADDRESS[name][family]


def converse(talks: Iterable[Talk], seconds: float) -> list[tuple[bool, bool]]:
    """Everybody says something; what was heard within the time, or as soon as everything was."""
    talks = list(talks)
    for each in talks:
        each.say()
    end = time.monotonic() + seconds
    while True:
        for each in talks:
            each.move()
        left = end - time.monotonic()
        if left <= 0 or all(all(each.heard()) for each in talks):
            return [each.heard() for each in talks]
        ready = [each for talk in talks for each in talk.sockets()]
        select.select(ready, [], [], min(left, 0.02))


def _take(end: socket.socket | None) -> bytes:
    found = b""
    with contextlib.suppress(OSError):
        while end is not None:
            data = end.recv(4096)
            if not data:
                break
            found += data
    return found


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


__all__ = ["Echo", "Listener", "Neighbourhood", "Talk", "Tcp", "Udp", "address_of", "converse", "listen"]
