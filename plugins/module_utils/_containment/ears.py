# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listens for the word that only the other side of a proof knows, while the proof goes on. Runs on both sides."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from typing import Any, Sequence

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_LOOK = 0.1  # seconds between two looks at whether it is over
_SLOW = 2.0  # seconds that a connection has to say the word


class Ears:
    """``places``: family, protocol, address (empty: all) and port (0: any) of each socket. A context manager.

    ``ports``: (family, protocol, address) → where it listens; ``deaf``: the same → why it does not; ``heard``: where
    the word came.
    """

    def __init__(self, places: Sequence[tuple[int, str, str, int]], word: bytes) -> None:
        self.ports: dict[tuple[int, str, str], int] = {}
        self.deaf: dict[tuple[int, str, str], str] = {}
        self.heard: set[tuple[int, str, str]] = set()
        self._word = word
        self._over = threading.Event()
        self._selector = selectors.DefaultSelector()
        for family, protocol, address, port in places:
            self._open((family, protocol, address), port)
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Ears:
        self._thread.start()
        return self

    def __exit__(self, *_error: Any) -> None:
        self._over.set()
        self._thread.join(5)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr] # they are sockets
        self._selector.close()

    def _open(self, name: tuple[int, str, str], port: int) -> None:
        family, protocol, address = name
        link = None
        try:
            link = socket.socket(_FAMILIES[family], _KINDS[protocol])
            if family == 6:
                link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            link.bind((address or ("0.0.0.0" if family == 4 else "::"), port))
            if protocol == "tcp":
                link.listen(16)
            link.setblocking(False)
            self._selector.register(link, selectors.EVENT_READ, (name, protocol == "tcp", 0.0))
            self.ports[name] = int(link.getsockname()[1])
        except OSError as error:
            self.deaf[name] = str(error.strerror or error)
            if link is not None:
                link.close()

    def _listen(self) -> None:
        while not self._over.is_set():
            for key, _events in self._selector.select(_LOOK):
                with contextlib.suppress(OSError):
                    self._serve(key)
            self._drop_slow()

    def _serve(self, key: selectors.SelectorKey) -> None:
        link: Any = key.fileobj
        name, accepts, _since = key.data
        if accepts:
            more, _peer = link.accept()
            more.setblocking(False)
            self._selector.register(more, selectors.EVENT_READ, (name, False, time.monotonic()))
            return
        data = b""
        try:
            data = link.recv(256)
        finally:
            if data == self._word:
                self.heard.add(name)
            if key.data[2]:  # a connection says one word
                self._selector.unregister(link)
                link.close()

    def _drop_slow(self) -> None:
        for key in list(self._selector.get_map().values()):
            if key.data[2] and time.monotonic() - key.data[2] > _SLOW:
                self._selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
