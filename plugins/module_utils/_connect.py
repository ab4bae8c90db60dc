# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections with one deadline for everything: name resolution, every address, the handshake."""

from __future__ import annotations

import errno
import socket
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

REFUSED = "refused"
TIMEOUT = "timeout"
UNREACHABLE = "unreachable"
DNS = "dns"
RESET = "reset"
DENIED = "denied"

_RESETS = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})
# When addresses fail differently the most telling reason wins: "it is there but hangs" before "nothing is there".
_TELLING = (TIMEOUT, RESET, REFUSED, UNREACHABLE)
_PAUSE = 0.05  # seconds between two knocks on a door behind which the queue is full


class NetworkProblem(IncidentError):
    """A connection failed. ``reason`` is refused, timeout, unreachable, dns, reset or denied."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


def remaining(deadline: float, clock: Clock, doing: str) -> float:
    """Seconds left, for ``settimeout``; raises NetworkProblem (timeout) when there are none."""
    left = deadline - clock.monotonic()
    if left <= 0:
        raise NetworkProblem(TIMEOUT, f"no time left: {doing}")
    return left


def explain(error: OSError, doing: str) -> NetworkProblem:
    """The reason and the sentence for what the kernel said."""
    if isinstance(error, socket.timeout) or error.errno == errno.ETIMEDOUT:
        return NetworkProblem(TIMEOUT, f"timed out: {doing}")
    if error.errno in (errno.ECONNREFUSED, errno.ENOENT):
        return NetworkProblem(REFUSED, f"nothing listens: {doing}")
    if error.errno in _RESETS:
        return NetworkProblem(RESET, f"the connection was reset: {doing}")
    return NetworkProblem(UNREACHABLE, f"{error.strerror or error}: {doing}")


def connect(host: str, port: int, *, deadline: float, clock: Clock) -> socket.socket:
    """A connected TCP socket; every address of the name is tried, in the resolver's order.

    ``deadline`` is a value of ``clock.monotonic``. An address that hangs costs only its share of the time left.
    Raises NetworkProblem.
    """
    doing = f"connecting to {host} port {port}"
    addresses = _resolve(host, port, deadline, clock)
    problems: list[NetworkProblem] = []
    for index, (family, address) in enumerate(addresses):
        share = remaining(deadline, clock, doing) / (len(addresses) - index)
        try:
            return _connect_one(family, address, share)
        except OSError as error:
            problems.append(explain(error, doing))
    raise min(problems, key=lambda problem: _TELLING.index(problem.reason))


def connect_unix(path: str, *, deadline: float, clock: Clock) -> socket.socket:
    """A connected Unix stream socket. Raises NetworkProblem; a missing socket file counts as refused."""
    doing = f"connecting to {path}"
    while True:
        try:
            return _connect_one(socket.AF_UNIX, path, remaining(deadline, clock, doing))
        except BlockingIOError:
            # The queue is full: it listens, but does not accept. The kernel says so at once instead of waiting.
            doing = f"connecting to {path}, which does not accept"
            clock.sleep(min(_PAUSE, remaining(deadline, clock, doing)))
        except PermissionError as error:
            raise NetworkProblem(DENIED, f"{error.strerror}: {doing}") from None
        except OSError as error:
            raise explain(error, doing) from None


def _connect_one(family: int, address: Any, timeout: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _resolve(host: str, port: int, deadline: float, clock: Clock) -> list[tuple[int, Any]]:
    try:
        # As bytes: for a text Python would load its tables for international names first.
        plain = host.encode("ascii") if host.isascii() else host
        found = socket.getaddrinfo(plain, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):  # a name, or nothing that could be one: the resolver tells
        found = _ask_resolver(host, port, deadline, clock)
    return [(int(family), address) for family, _type, _proto, _name, address in found]


def _ask_resolver(host: str, port: int, deadline: float, clock: Clock) -> list[Any]:
    try:
        return call_by(deadline, clock, lambda: socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
    except Overdue:
        raise NetworkProblem(DNS, f"the name {host} was not resolved in time") from None
    except (OSError, UnicodeError) as error:
        raise NetworkProblem(DNS, f"the name {host} cannot be resolved: {error}") from None
