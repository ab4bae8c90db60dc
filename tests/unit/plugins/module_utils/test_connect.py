# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections: one deadline over all addresses, and the most telling reason when all fail."""

from __future__ import annotations

import errno
import socket
import threading
from typing import Any, Callable

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._connect import (
    NetworkProblem,
    connect,
    explain,
    remaining,
)

CLOCK = Clock()
Resolve = Callable[..., Any]


def resolved(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[Any, ...]) -> None:
    """Let the name "peer.example" stand for real addresses of this machine."""
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *options: Any) -> Any:
        if host != "peer.example":
            return real(host, port, *options)
        if socket.AI_NUMERICHOST in options:
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        families = {2: socket.AF_INET, 4: socket.AF_INET6}
        return [(families[len(address)], socket.SOCK_STREAM, 6, "", address) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def attempt(host: str, port: int, seconds: float = 5.0) -> str:
    """ "connected", or the reason why not."""
    try:
        connect(host, port, deadline=CLOCK.monotonic() + seconds, clock=CLOCK).close()
    except NetworkProblem as problem:
        return problem.reason
    return "connected"


def test_a_second_address_is_tried(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = peers.tcp(b"", socket.AF_INET6)
    resolved(monkeypatch, ("127.0.0.1", peers.free_port()), ("::1", peer.port, 0, 0))
    assert attempt("peer.example", 1) == "connected"


def test_an_address_that_hangs_costs_only_its_share(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = peers.tcp(b"")
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = [socket.socket() for _number in range(4)]
    for other in waiting:
        other.setblocking(False)
        other.connect_ex(full.getsockname())
    resolved(monkeypatch, full.getsockname(), ("127.0.0.1", peer.port))
    try:
        assert attempt("peer.example", 1, seconds=2.0) == "connected"
        resolved(monkeypatch, ("127.0.0.1", peers.free_port()), full.getsockname())
        assert attempt("peer.example", 1, seconds=0.4) == "timeout"
    finally:
        for sock in (full, *waiting):
            sock.close()


def test_all_addresses_refuse(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved(monkeypatch, ("127.0.0.1", peers.free_port()), ("127.0.0.1", peers.free_port()))
    assert attempt("peer.example", 1) == "refused"


def test_a_resolver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def resolve(host: str, port: int, *options: Any) -> Any:
        if socket.AI_NUMERICHOST in options:
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        released.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    try:
        assert attempt("slow.example", 1, seconds=0.1) == "dns"
    finally:
        released.set()


def test_a_name_that_cannot_be_one() -> None:
    assert attempt("a" * 300, 1) == "dns"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.timeout(), "timeout"),
        (OSError(errno.ETIMEDOUT, "x"), "timeout"),
        (OSError(errno.ECONNREFUSED, "x"), "refused"),
        (OSError(errno.ENOENT, "x"), "refused"),
        (OSError(errno.EPIPE, "x"), "reset"),
        (OSError(errno.ECONNRESET, "x"), "reset"),
        (OSError(errno.ENETUNREACH, "x"), "unreachable"),
        (OSError(errno.EACCES, "x"), "unreachable"),
        (OSError("only words"), "unreachable"),
    ],
)
def test_what_the_kernel_said(error: OSError, reason: str) -> None:
    found = explain(error, "asking")
    assert (found.reason, "asking" in found.message) == (reason, True)


def test_no_time_left() -> None:
    with pytest.raises(NetworkProblem, match="no time left: asking"):
        remaining(CLOCK.monotonic() - 1, CLOCK, "asking")
