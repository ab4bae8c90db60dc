# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind dns: a real server on this machine, and all that it may answer."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._probe.dns_message import build, parse
from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds.dns import default_server

Reply = Callable[[bytes], "bytes | None"]


def record(kind: int, data: bytes, name: bytes = b"\xc0\x0c") -> bytes:
    return name + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def reply(*records: bytes, code: int = 0, flags: int = 0x8180, identity: int | None = None) -> Reply:
    def make(question: bytes) -> bytes:
        asked = struct.unpack(">H", question[:2])[0]
        head = struct.pack(">HHHHHH", asked if identity is None else identity, flags | code, 1, len(records), 0, 0)
        return head + question[12:] + b"".join(records)

    return make


class Server:
    """Answers over UDP and TCP as it was told; silence is None."""

    def __init__(self) -> None:
        self.over_udp: list[Reply] = []
        self.over_tcp: Reply | None = None
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def _serve_udp(self) -> None:
        while True:
            try:
                question, address = self.udp.recvfrom(4096)
            except OSError:
                return
            for made in (answer(question) for answer in self.over_udp):
                if made is not None:
                    self.udp.sendto(made, address)

    def _serve_tcp(self) -> None:
        while True:
            try:
                connection, _address = self.tcp.accept()
            except OSError:
                return
            with connection:
                made = self.over_tcp(connection.recv(4096)[2:]) if self.over_tcp else None
                if made is not None:
                    connection.sendall(struct.pack(">H", len(made)) + made)

    def close(self) -> None:
        self.udp.close()
        self.tcp.close()


@pytest.fixture
def server() -> Iterator[Server]:
    try:
        made = Server()
    except OSError:  # somebody else has the port for UDP
        made = Server()
    yield made
    made.close()


A = record(1, bytes([10, 0, 0, 1]))
SECOND = record(1, bytes([10, 0, 0, 2]))


def look_up(ask: Any, server: Server, *answers: Reply, **more: Any) -> Any:
    server.over_udp = list(answers)
    raw = {"name": "db.example.org", "server": "127.0.0.1", "port": server.port, "timeout": "500ms", **more}
    return ask(kind="dns", **raw)


@pytest.mark.parametrize(
    ("answer", "expect", "status", "reason"),
    [
        (reply(A), {}, "pass", "ok"),
        (reply(A, SECOND), {"values": ["10.0.0.2"], "min": 2}, "pass", "ok"),
        (reply(A), {"values": ["10.0.0.2"]}, "fail", "bad_answer"),
        (reply(A), {"min": 2}, "fail", "no_data"),
        (reply(), {}, "fail", "no_data"),
        (reply(), {"min": 0}, "pass", "ok"),
        (reply(code=3), {}, "fail", "nxdomain"),
        (reply(code=2), {}, "fail", "bad_rcode"),
        (reply(code=5), {}, "fail", "bad_rcode"),
        (lambda question: None, {}, "fail", "timeout"),
        (lambda question: b"garbage", {}, "fail", "bad_answer"),
        (lambda question: question, {}, "fail", "bad_answer"),
        (reply(record(1, b"\1\2")), {}, "fail", "bad_answer"),
        (reply(A[:-2]), {}, "fail", "bad_answer"),
    ],
)
def test_answers(ask: Any, server: Server, answer: Reply, expect: Any, status: str, reason: str) -> None:
    outcome = look_up(ask, server, answer, expect=expect)
    assert (outcome.status, outcome.reason) == (status, reason), outcome.message


def test_a_forged_answer_before_the_right_one_is_ignored(ask: Any, server: Server) -> None:
    forged = reply(record(1, bytes([6, 6, 6, 6])), identity=1)
    assert look_up(ask, server, forged, forged, reply(A)).observed == {"values": ["10.0.0.1"]}


def test_what_does_not_fit_is_asked_over_tcp(ask: Any, server: Server) -> None:
    server.over_tcp = reply(A, SECOND)
    outcome = look_up(ask, server, reply(flags=0x8380), expect={"min": 2})
    assert (outcome.status, outcome.observed["values"]) == ("pass", ["10.0.0.1", "10.0.0.2"])
    server.over_tcp = lambda question: None
    assert look_up(ask, server, reply(flags=0x8380)).reason == "bad_answer"


def test_nobody_listens(ask: Any, peers: Any) -> None:
    assert ask(kind="dns", name="a.example", server="127.0.0.1", port=peers.free_port()).reason == "refused"


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [
        ("AAAA", b"\0" * 15 + b"\1", "::1"),
        ("TXT", b"\3abc\2de", "abcde"),
        ("MX", b"\0\x0a\4mail\xc0\x0f", "10 mail.example.org"),
        ("SRV", struct.pack(">HHH", 1, 2, 443) + b"\3www\0", "1 2 443 www"),
        ("CNAME", b"\3www\xc0\x0c", "www.db.example.org"),
    ],
)
def test_types(kind: str, data: bytes, value: str) -> None:
    question = build(7, "db.example.org", kind)
    code = {"AAAA": 28, "TXT": 16, "MX": 15, "SRV": 33, "CNAME": 5}[kind]
    assert parse(reply(record(code, data))(question) or b"", question, kind).values == (value,)


@pytest.mark.parametrize("name", [b"\xc0\x20", b"\1a\xc0\x20", b"\xc0\xff", b"\x3f"])
def test_names_that_run_in_circles_or_out_of_the_message(name: bytes) -> None:
    question = build(7, "db.example.org", "A")
    with pytest.raises(ValueError, match=r"never ends|cannot be read|middle"):
        parse(reply(record(1, b"\1\2\3\4", name))(question) or b"", question, "A")


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64, "a." * 130])
def test_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        build(1, name, "A")


def test_the_hosts_own_server(tmp_path: Any) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text("# nameserver 9.9.9.9\nsearch x\nnameserver 10.0.0.53\nnameserver 10.0.0.54\n")
    assert default_server(str(conf)) == "10.0.0.53"
    assert default_server(str(tmp_path / "none")) == "127.0.0.1"
