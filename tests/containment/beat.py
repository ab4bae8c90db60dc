# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A heart that beats over an open connection, in processes of its own: when each beat came back is written down."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import time
from collections.abc import Callable

from talks import Tcp, converse

_STAMP = struct.Struct("=d")


class Beat:
    """``every``: seconds. ``moments``: when each came back, by the clock ``monotonic``."""

    def __init__(self, talk: Tcp, every: float = 0.01) -> None:
        assert converse([talk], 5.0) == [(True, True)]
        assert talk.server is not None
        self._talk, self._every = talk, every
        self._answers = _fork(lambda: _answer(talk.server))
        reader, writer = os.pipe()
        self._reader = reader
        self._asks = _fork(lambda: self._ask(writer))
        os.close(writer)

    def moments(self) -> list[float]:
        """All of them; the heart stops."""
        os.kill(self._asks, signal.SIGUSR1)
        data = b""
        with open(self._reader, "rb") as file:
            data = file.read()
        for pid in (self._asks, self._answers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return [each[0] for each in _STAMP.iter_unpack(data)]

    def _ask(self, writer: int) -> None:
        stop: list[int] = []
        signal.signal(signal.SIGUSR1, lambda number, _frame: stop.append(number))
        client, found, due = self._talk.client, [], time.monotonic()
        while not stop:
            due += self._every
            with contextlib.suppress(OSError):
                client.send(b".")
            while time.monotonic() < due:
                client.settimeout(max(due - time.monotonic(), 1e-4))
                with contextlib.suppress(OSError):
                    found += [time.monotonic()] * bool(client.recv(4096))
        with os.fdopen(writer, "wb") as file:
            file.write(b"".join(map(_STAMP.pack, found)))


def _answer(server: socket.socket) -> None:
    server.settimeout(None)
    while data := server.recv(4096):
        server.send(data)


def _fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(0)


def largest_gap(moments: list[float], begin: float, end: float) -> float:
    """Milliseconds between two beats of which one at least is between these moments."""
    pairs = [(first, second) for first, second in zip(moments, moments[1:]) if second >= begin and first <= end]
    return max(second - first for first, second in pairs) * 1000
