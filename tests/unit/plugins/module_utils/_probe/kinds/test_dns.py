# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind dns: a real server on this machine, and all that it may answer."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._probe.dns_message import build, parse, reversed_name
from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds import dns as kind_dns
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import ProbeSpecError, parse_probe

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

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self.over_udp: list[Reply] = []
        self.over_tcp: Reply | None = None
        self.tcp = socket.create_server((address, port))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, self.port))
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
    raw = {"name": "db.example.org", "server": "127.0.0.1", "port": server.port, **more}
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
    outcome = look_up(ask, server, answer, expect=expect, seconds=20.0 if status == "pass" else 1.0)
    assert (outcome.status, outcome.reason) == (status, reason), outcome.message


def test_a_forged_answer_before_the_right_one_is_ignored(ask: Any, server: Server) -> None:
    forged = reply(record(1, bytes([6, 6, 6, 6])), identity=1)
    assert look_up(ask, server, forged, forged, reply(A)).observed == {"values": ["10.0.0.1"]}


def test_what_does_not_fit_is_asked_over_tcp(ask: Any, server: Server) -> None:
    server.over_tcp = reply(A, SECOND)
    outcome = look_up(ask, server, reply(flags=0x8380), expect={"min": 2})
    assert (outcome.status, outcome.observed["values"]) == ("pass", ["10.0.0.1", "10.0.0.2"])
    assert look_up(ask, server, reply(A, SECOND[:-3], flags=0x8380)).status == "pass", "cut in the middle of a record"
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


@pytest.mark.parametrize("kind", [0x40, 0x80])
def test_labels_of_a_reserved_kind(kind: int) -> None:
    question = build(7, "db.example.org", "A")
    name = bytes([kind + 1]) + b"a" * (kind + 1) + b"\0"
    with pytest.raises(ValueError, match="label of an unknown kind"):
        parse(reply(record(1, b"\1\2\3\4", name))(question) or b"", question, "A")


def test_a_name_without_end_costs_no_time() -> None:
    """Pointers backwards are allowed, and a long way may be gone again from each of thousands of records."""
    question = build(7, "db.example.org", "A")
    head = len(question)
    way = b"\x3f" + b"a" * 63
    name = way * 400 + b"\xc0" + bytes([head + 11])
    with pytest.raises(ValueError, match="too long"):
        parse(
            reply(record(16, name), record(1, b"\1\2\3\4", b"\xc0" + bytes([head + 12])))(question) or b"",
            question,
            "A",
        )


def test_aliases_are_followed_and_strangers_are_not_believed(ask: Any, server: Server) -> None:
    alias = record(5, b"\3WWW\xc0\x0f")
    ours = record(1, bytes([10, 0, 0, 9]), b"\3www\xc0\x0f")
    stranger = record(1, bytes([6, 6, 6, 6]), b"\4evil\xc0\x0f")
    assert look_up(ask, server, reply(alias, ours, stranger)).observed == {"values": ["10.0.0.9"]}
    assert look_up(ask, server, reply(stranger)).reason == "no_data"


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("192.0.2.7", "7.2.0.192.in-addr.arpa"),
        ("2001:db8::1", "1.0.0.0." + "0." * 20 + "8.b.d.0.1.0.0.2.ip6.arpa"),
        ("db.example", "db.example"),
    ],
)
def test_an_address_is_asked_by_its_reversed_name(name: str, asked: str) -> None:
    assert reversed_name(name) == asked
    assert parse_probe("p", {"kind": "dns", "name": name, "type": "PTR"}, where="p").target.name == asked


def test_addresses_are_compared_as_addresses(ask: Any, server: Server) -> None:
    answer = reply(record(28, b"\x20\x01\x0d\xb8" + b"\0" * 11 + b"\1"))
    assert look_up(ask, server, answer, type="AAAA", expect={"values": ["2001:DB8:0::1"]}).status == "pass"
    with pytest.raises(ProbeSpecError, match=r"expect\.values\[0\]: 'db' is no address of type A"):
        look_up(ask, server, answer, expect={"values": ["db"]})


@pytest.mark.parametrize("first", [lambda question: None, reply(code=2), None])
def test_the_next_server_of_the_host_is_asked(
    ask: Any, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: Reply | None
) -> None:
    """All of them listen on one port, so the other one has another address."""
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.2\nnameserver 127.0.0.1\n")
    monkeypatch.setattr(kind_dns, "_RESOLV_CONF", str(conf))
    server.over_udp = [reply(A)]
    with contextlib.ExitStack() as stack:
        if first is not None:
            other = stack.enter_context(contextlib.closing(Server("127.0.0.2", server.port)))
            other.over_udp = [first]
        outcome = ask(kind="dns", name="db.example.org", port=server.port, seconds=4.0)
        assert (outcome.status, "127.0.0.1" in outcome.message) == ("pass", True)
        server.over_udp = [reply(code=2)]
        outcome = ask(kind="dns", name="db.example.org", port=server.port, seconds=4.0)
        assert outcome.status == "fail"
        assert "at 127.0.0.2: " in outcome.message
        assert outcome.message.endswith("at 127.0.0.1: the server answers servfail")


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64, "a." * 130])
def test_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        build(1, name, "A")


def test_the_hosts_own_server(tmp_path: Any) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text("# nameserver 9.9.9.9\nsearch x\nnameserver 10.0.0.53\nnameserver 10.0.0.54\n")
    assert kind_dns.default_servers(str(conf)) == ("10.0.0.53", "10.0.0.54")
    assert kind_dns.default_servers(str(tmp_path / "none")) == ("127.0.0.1",)
