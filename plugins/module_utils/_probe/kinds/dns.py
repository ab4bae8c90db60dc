# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind dns: a name that resolves, and to what it should."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import replace

from ansible_collections.toombos.incident.plugins.module_utils._connect import (
    NetworkProblem,
    connect,
    explain,
    remaining,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.dns_message import CODES, Answer, build, parse
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import DnsTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, Outcome

_RESOLV_CONF = "/etc/resolv.conf"
_NXDOMAIN = 3
_MOST_SERVERS = 3  # of resolv.conf, as the resolver has it
# After which the resolver of the host asks the next server.
_NO_ANSWERS = frozenset(
    {reasons.TIMEOUT, reasons.REFUSED, reasons.UNREACHABLE, reasons.RESET, reasons.BAD_RCODE, reasons.ERROR}
)


def attempt(target: DnsTarget, deadline: float, context: Context) -> Outcome:
    """Ask the declared server, or those of the host one after the other until one knows."""
    servers = (target.server,) if target.server else default_servers()
    outcomes: list[Outcome] = []
    for index, server in enumerate(servers):
        now = context.clock.monotonic()
        outcome = _ask_one(target, server, now + (deadline - now) / (len(servers) - index), context)
        if outcome.reason not in _NO_ANSWERS:
            return outcome
        outcomes.append(outcome)
    return replace(outcomes[0], message="; ".join(outcome.message for outcome in outcomes))


def _ask_one(target: DnsTarget, server: str, deadline: float, context: Context) -> Outcome:
    """Over UDP, and over TCP what does not fit."""
    expected = {"values": list(target.values), "min": target.min}
    asked = f"{target.type} of {target.name} at {server}"
    try:
        answer = _ask(target, server, deadline, context)
    except NetworkProblem as problem:
        return Outcome(FAIL, problem.reason, f"{asked}: {problem.message}", None, expected)
    except ValueError as error:
        return Outcome(FAIL, reasons.BAD_ANSWER, f"{asked}: the answer {error}", None, expected)
    return judge_answer(target, answer, asked)


def judge_answer(target: DnsTarget, answer: Answer, asked: str) -> Outcome:
    """Pure."""
    observed, expected = {"values": list(answer.values)}, {"values": list(target.values), "min": target.min}
    if answer.code:
        reason = reasons.NXDOMAIN if answer.code == _NXDOMAIN else reasons.BAD_RCODE
        word = CODES.get(answer.code, f"code {answer.code}")
        return Outcome(FAIL, reason, f"{asked}: the server answers {word}", observed, expected)
    have = {value.lower().rstrip(".") for value in answer.values}
    missing = [value for value in target.values if value.lower().rstrip(".") not in have]
    if not answer.values and target.min:
        return Outcome(FAIL, reasons.NO_DATA, f"{asked}: there is none", observed, expected)
    if missing:
        return Outcome(FAIL, reasons.BAD_ANSWER, f"{asked}: {', '.join(missing)} is missing", observed, expected)
    if len(answer.values) < target.min:
        message = f"{asked}: {len(answer.values)} of at least {target.min}"
        return Outcome(FAIL, reasons.NO_DATA, message, observed, expected)
    return Outcome(PASS, reasons.OK, f"{asked}: {', '.join(answer.values)[:200]}", observed, expected)


def default_servers(path: str = "") -> tuple[str, ...]:
    """The name servers that the host itself uses; as the resolver has it, this host where none is named."""
    try:
        with open(path or _RESOLV_CONF, encoding="utf-8", errors="replace") as file:
            named = [line.split()[1] for line in file if line.startswith("nameserver") and len(line.split()) > 1]
    except OSError:
        named = []
    return tuple(named[:_MOST_SERVERS]) or ("127.0.0.1",)


def _ask(target: DnsTarget, server: str, deadline: float, context: Context) -> Answer:
    question = build(int.from_bytes(os.urandom(2), "big"), target.name, target.type)
    answer = _over_udp(question, target, server, deadline, context)
    return _over_tcp(question, target, server, deadline, context) if answer.truncated else answer


def _over_udp(question: bytes, target: DnsTarget, server: str, deadline: float, context: Context) -> Answer:
    doing, last = "asking over UDP", ""
    try:
        family, _type, _proto, _name, address = socket.getaddrinfo(
            server, target.port, 0, socket.SOCK_DGRAM, 0, socket.AI_NUMERICHOST
        )[0]
    except socket.gaierror:
        raise NetworkProblem(reasons.ERROR, f"{server} is not the address of a server") from None
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(address)
            sock.send(question)
            while True:  # until the right answer comes: anybody can send a datagram
                left = deadline - context.clock.monotonic()
                if left <= 0 and last:
                    raise ValueError(last)
                sock.settimeout(remaining(deadline, context.clock, doing))
                try:
                    return parse(sock.recv(65535), question, target.type)
                except ValueError as error:
                    last = str(error)
        except socket.timeout:
            if last:
                raise ValueError(last) from None
            raise NetworkProblem(reasons.TIMEOUT, "no answer in time") from None
        except OSError as error:
            raise explain(error, doing) from None


def _over_tcp(question: bytes, target: DnsTarget, server: str, deadline: float, context: Context) -> Answer:
    doing = "asking over TCP"
    with connect(server, target.port, deadline=deadline, clock=context.clock) as sock:
        try:
            sock.settimeout(remaining(deadline, context.clock, doing))
            sock.sendall(struct.pack(">H", len(question)) + question)
            (size,) = struct.unpack(">H", _receive(sock, 2, deadline, context))
            return parse(_receive(sock, size, deadline, context), question, target.type)
        except OSError as error:
            raise explain(error, doing) from None


def _receive(sock: socket.socket, size: int, deadline: float, context: Context) -> bytes:
    data = b""
    while len(data) < size:
        sock.settimeout(remaining(deadline, context.clock, "waiting for the answer"))
        more = sock.recv(size - len(data))
        if not more:
            raise ValueError("ends too early")
        data += more
    return data
