# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP/1.1 client on bare sockets: one deadline for the whole exchange, bounded memory, light to import.

It asks one question per connection and does not follow redirects: a probe wants to know what *this* address answers.
Sources: RFC 9110 and RFC 9112.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Mapping

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._connect import (
    RESET,
    NetworkProblem,
    connect,
    connect_unix,
    remaining,
)
from ansible_collections.toombos.incident.plugins.module_utils._tls import explain_secured, wrap_tls
from ansible_collections.toombos.incident.plugins.module_utils._url import TOKEN, Url, check_header, split_url

NOT_HTTP = "not_http"
TOO_LARGE = "too_large"
INCOMPLETE = "incomplete"

MAX_HEAD = 64 * 1024
MAX_BODY = 1024 * 1024

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |$)")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?")
_MAX_CHUNK_LINE = 4096


class HttpProblem(NetworkProblem):
    """There is no HTTP answer. ``reason`` is one of refused, timeout, unreachable, dns, reset, denied, tls, not_tls,
    cert_expired, cert_not_yet_valid, cert_wrong_name, cert_untrusted, not_http, too_large (the header block) and
    incomplete (the answer ended before it said it would).
    """


@dataclass(frozen=True)
class HttpResponse:
    """An answer. Header names in lower case; ``truncated``: the body is longer than ``max_body`` and was cut there."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False


def request(
    method: str,
    url: str,
    *,
    deadline: float,
    clock: Clock,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    unix_socket: str | None = None,
    verify: bool = True,
    max_body: int = MAX_BODY,
) -> HttpResponse:
    """Ask once. ``deadline`` (a value of ``clock.monotonic``) covers connecting, sending, headers and body together.

    ``unix_socket``: connect there; the URL then only gives the request line and the Host header.
    Raises HttpProblem when there is no complete answer, ValueError for a URL or header that cannot be sent.
    """
    where = split_url(url)
    sending = _compose(method, where, headers or {}, body)
    try:
        if unix_socket:
            sock = connect_unix(unix_socket, deadline=deadline, clock=clock)
        else:
            sock = connect(where.host, where.port, deadline=deadline, clock=clock)
        with sock:
            if where.scheme == "https":
                with wrap_tls(sock, where.host, verify=verify, deadline=deadline, clock=clock) as secured:
                    return _exchange(secured, method, sending, max_body, deadline, clock)
            return _exchange(sock, method, sending, max_body, deadline, clock)
    except HttpProblem:
        raise
    except NetworkProblem as problem:
        raise HttpProblem(problem.reason, problem.message) from None


def _compose(method: str, where: Url, headers: Mapping[str, str], body: bytes) -> bytes:
    if not TOKEN.fullmatch(method):
        raise ValueError(f"{method!r} is not an HTTP method")
    fields = {
        "host": ("Host", where.authority),
        "user-agent": ("User-Agent", "toombos-incident"),
        "accept": ("Accept", "*/*"),
        "accept-encoding": ("Accept-Encoding", "identity"),
    }
    if body or method in ("POST", "PUT", "PATCH"):
        fields["content-length"] = ("Content-Length", str(len(body)))
    for name, value in headers.items():
        check_header(name, value)
        fields[name.lower()] = (name, value)
    fields["connection"] = ("Connection", "close")
    lines = [f"{method} {where.target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.values()), "", ""]
    return "\r\n".join(lines).encode("utf-8") + body


def _exchange(
    sock: socket.socket, method: str, sending: bytes, max_body: int, deadline: float, clock: Clock
) -> HttpResponse:
    stream = _Stream(sock, deadline, clock)
    stream.send(sending)
    status, headers = _read_head(stream)
    if method == "HEAD" or status in (204, 304) or status < 200:
        return HttpResponse(status, headers, b"")
    body, truncated = _read_body(stream, headers, max_body)
    return HttpResponse(status, headers, body, truncated)


class _Stream:
    """The socket with the deadline applied to every call, and what was received but not yet consumed."""

    def __init__(self, sock: socket.socket, deadline: float, clock: Clock) -> None:
        self._sock = sock
        self._deadline = deadline
        self._clock = clock
        self.buffer = bytearray()

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._sock.settimeout(remaining(self._deadline, self._clock, "sending the request"))
            try:
                view = view[self._sock.send(view) :]
            except OSError as error:
                problem = explain_secured(error, "sending the request")
                if problem.reason == RESET:
                    return  # the answer may have come before the whole question was read; reading will tell
                raise problem from None

    def fill(self, doing: str) -> bool:
        """Receive something more; False at the end of the stream."""
        self._sock.settimeout(remaining(self._deadline, self._clock, doing))
        try:
            data = self._sock.recv(65536)
        except OSError as error:
            raise explain_secured(error, doing) from None
        self.buffer += data
        return bool(data)

    def take(self, count: int) -> bytes:
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data


def _read_head(stream: _Stream) -> tuple[int, dict[str, str]]:
    """Status and headers of the final answer; interim answers (1xx, except 101) are passed over."""
    budget = MAX_HEAD
    while True:
        head = _take_head(stream, budget)
        budget -= len(head)
        first, _newline, rest = head.partition(b"\n")
        found = _STATUS_LINE.match(first.rstrip(b"\r"))
        if found is None:
            raise _not_http(head)
        status = int(found[1])
        if status >= 200 or status == 101:
            return status, _parse_headers(rest)


def _take_head(stream: _Stream, budget: int) -> bytes:
    while True:
        start = bytes(stream.buffer[:5])
        if start != b"HTTP/"[: len(start)]:
            raise _not_http(bytes(stream.buffer))
        end = _HEAD_END.search(stream.buffer)
        if end is not None and end.end() <= budget:
            return stream.take(end.end())
        if end is not None or len(stream.buffer) > budget:
            raise HttpProblem(TOO_LARGE, f"the header block is larger than {MAX_HEAD} bytes")
        if not stream.fill("waiting for the answer's headers"):
            what = "in the middle of its headers" if stream.buffer else "without an answer"
            raise HttpProblem(INCOMPLETE, f"the connection was closed {what}")


def _not_http(start: bytes) -> HttpProblem:
    shown = "".join(char if char.isprintable() else "." for char in start[:40].decode("latin-1"))
    return HttpProblem(NOT_HTTP, f"the answer is not HTTP/1: it starts with {shown!r}")


def _parse_headers(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in block.decode("latin-1").split("\n"):
        name, colon, value = line.partition(":")
        if not colon:
            continue
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return headers


def _read_body(stream: _Stream, headers: Mapping[str, str], max_body: int) -> tuple[bytes, bool]:
    coding = headers.get("transfer-encoding", "").lower()
    if coding:
        if coding.split(",")[-1].strip() != "chunked":
            raise HttpProblem(NOT_HTTP, f"unknown transfer coding {coding!r}")
        return _read_chunked(stream, max_body)
    # A list of equal lengths is allowed to be read as one (RFC 9112, 6.3).
    lengths = {part.strip() for part in headers.get("content-length", "").split(",")} - {""}
    if not lengths:
        return _read_to_end(stream, max_body)
    length = lengths.pop()
    if lengths or not _LENGTH.fullmatch(length):
        raise HttpProblem(NOT_HTTP, f"content-length {headers['content-length'][:40]!r} is no length")
    return _read_exactly(stream, int(length), max_body)


def _read_exactly(stream: _Stream, length: int, max_body: int) -> tuple[bytes, bool]:
    wanted = min(length, max_body)
    while len(stream.buffer) < wanted:
        if not stream.fill("reading the body"):
            raise HttpProblem(INCOMPLETE, f"the body ended after {len(stream.buffer)} of {length} bytes")
    return stream.take(wanted), length > max_body


def _read_to_end(stream: _Stream, max_body: int) -> tuple[bytes, bool]:
    while len(stream.buffer) <= max_body:
        if not stream.fill("reading the body"):
            return stream.take(max_body), False
    return stream.take(max_body), True


def _read_chunked(stream: _Stream, max_body: int) -> tuple[bytes, bool]:
    body = bytearray()
    while True:
        size = _chunk_size(stream)
        if size == 0:
            return bytes(body), False
        if len(body) + size > max_body:
            rest, _cut = _read_exactly(stream, size, max_body - len(body))
            return bytes(body + rest), True
        data, _cut = _read_exactly(stream, size + 2, size + 2)
        if data[size:] != b"\r\n":
            raise HttpProblem(NOT_HTTP, "a chunk is longer than it says")
        body += data[:size]


def _chunk_size(stream: _Stream) -> int:
    while b"\n" not in stream.buffer:
        if len(stream.buffer) > _MAX_CHUNK_LINE:
            raise HttpProblem(NOT_HTTP, "a chunk has no size")
        if not stream.fill("reading the body"):
            raise HttpProblem(INCOMPLETE, "the body ended before its last chunk")
    line = stream.take(stream.buffer.index(b"\n") + 1)
    found = _CHUNK_SIZE.fullmatch(line[:-1])
    if found is None:
        raise HttpProblem(NOT_HTTP, "a chunk has no size")
    return int(found[1], 16)
