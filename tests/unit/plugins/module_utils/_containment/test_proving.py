# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host sees of its network for a proof, and how it asks others: against real sockets of this machine."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._containment import connections as c, probing, proving
from ansible_collections.toombos.incident.plugins.module_utils._containment.ears import Ears

WORD = b"0123456789abcdef"


def probe(protocol: str, port: int, **more: Any) -> dict[str, Any]:
    return {"family": 4, "protocol": protocol, "address": "127.0.0.1", "port": port, "say": True, **more}


def test_only_the_word_is_heard_and_by_every_way() -> None:
    places = [(4, "tcp", "127.0.0.1", 0), (4, "udp", "127.0.0.1", 0)]
    with Ears(places, WORD) as ears:
        asked = [probe(protocol, ears.ports[(family, protocol, address)]) for family, protocol, address, _p in places]
        assert [each[0] for each in probing.attempts(asked, b"another word", 0.3)] == ["answered", "silent"]
        time.sleep(0.3)
        assert ears.heard == set()
        probing.attempts(asked, WORD, 0.3)
        until = time.monotonic() + 5
        while len(ears.heard) < 2 and time.monotonic() < until:
            time.sleep(0.02)
    assert {protocol for _family, protocol, _address in ears.heard} == {"tcp", "udp"}
    assert probing.attempt(asked[0], WORD)[0] == "refused"  # nobody listens any more


def test_where_nobody_can_listen_is_told() -> None:
    with Ears([(4, "tcp", "192.0.2.1", 0)], WORD) as ears:
        assert ears.deaf == {(4, "tcp", "192.0.2.1"): os.strerror(99)}


@pytest.mark.parametrize(
    ("banner", "seen"), [(b"SSH-2.0-x\r\n", "answered"), (b"220 mail\r\n", "refused"), (b"", "refused")]
)
def test_a_port_of_ssh_answers_when_its_banner_comes(banner: bytes, seen: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            link = server.accept()[0]
            link.sendall(banner)
            time.sleep(0 if banner else 0.5)
            link.close()

        thread = threading.Thread(target=serve)
        thread.start()
        assert probing.attempt(probe("tcp", server.getsockname()[1], banner=True), WORD, 0.3)[0] == seen
        thread.join(5)


def test_a_service_is_told_nothing_and_a_name_is_not_looked_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert probing.attempt(probe("tcp", server.getsockname()[1], say=False), WORD) == ("answered", "")
        link = server.accept()[0]
        assert link.recv(100) == b""
        link.close()
    assert probing.attempt(probe("tcp", 1, address="localhost"), WORD)[0] == "not_made"


def test_more_than_can_be_asked_at_a_time_is_not_made() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        seen = probing.attempts([probe("tcp", server.getsockname()[1])] * (probing.MOST + 1), WORD)
    assert [each[0] for each in seen] == ["answered"] * probing.MOST + ["not_made"]


def test_bytes_that_move_in_a_connection_are_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = socket.create_connection(server.getsockname())
        there = server.accept()[0]
        port = here.getsockname()[1]

        def mine() -> list[dict[str, Any]]:
            return [each for each in c.established() if port in (each["local_port"], each["remote_port"])]

        before = mine()
        assert {each["remote"] for each in before} == {"127.0.0.1"}
        assert all(each["bytes"] >= 0 for each in before)
        assert c.moved(before, mine()) == []
        here.sendall(b"x" * 1000)
        there.recv(1000)
        time.sleep(0.1)
        assert {each["moved"] for each in c.moved(before, mine())} == {1000}
        assert any(each["port"] == server.getsockname()[1] for each in c.listening())
        here.close()
        there.close()


def test_where_the_kernel_does_not_say_nothing_moves_and_nothing_is_claimed() -> None:
    one = {"local": "a", "local_port": 1, "remote": "b", "remote_port": 2, "inode": 3, "bytes": -1}
    assert c.moved([one], [one]) == []
    assert c.moved([one], [{**one, "bytes": 9}]) == []
    assert c.moved([], [{**one, "bytes": 9}]) == []


def test_routers_and_resolvers_are_found(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "route").write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    zero, router = "0" * 32, "fe80" + "0" * 27 + "1"
    (tmp_path / "net" / "ipv6_route").write_text(
        f"{zero} 00 {zero} 00 {router} 00000400 00000001 00000000 00000003 eth0\n"
        f"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200 lo\n"
    )
    assert proving.gateways(str(tmp_path)) == ["192.0.2.1", "fe80::1%eth0"]
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.53\nnameserver 192.0.2.53\n# nameserver 192.0.2.54\n")
    assert proving.resolvers((str(tmp_path / "resolv.conf"), str(tmp_path / "missing"))) == ["192.0.2.53"]


def test_a_part_in_a_round_is_told_with_what_moved_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "HOLD", 0.3)
    places = {"store_dir": str(tmp_path), "state_dir": str(tmp_path)}
    look = proving.look(places)
    assert (look["standing"]["state"], look["standing"]["in_force"]) == ("released", False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ask = {"word": WORD.decode(), "port": port, "outward": [probe("udp", port)]}
    found = proving.take_part({**places, "ask": ask})
    assert found["heard"] == [[4, "udp"]]
    assert found["outward"] == [["silent", ""]]
    assert (found["told_bytes"], found["cut"]) == (True, 0)
    assert proving.testify({"targets": [probe("tcp", port, say=False)]})["witnessed"] == [
        ["refused", "somebody refused"]
    ]


def test_a_kernel_that_does_not_say_is_read_and_claims_no_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_family: int) -> list[dict[str, Any]]:
        raise OSError("the kernel does not say")

    monkeypatch.setattr(c, "_ask", silent)
    (tmp_path / "net").mkdir()
    heading, rest = "  sl\n", "00:00000000 00000000 0 0 77 1 0"
    (tmp_path / "net" / "tcp").write_text(
        f"{heading} 0: 0500 0:0\n 1: 0571CBCB:9C40 4264C6C6:01BB 01 0:0 {rest}\n"
        f" 2: 0571CBCB:0016 00000000:0000 0A 0:0 {rest}\n"
    )
    mapped = "0000000000000000FFFF0000"
    (tmp_path / "net" / "tcp6").write_text(f"{heading} 1: {mapped}0571CBCB:0016 {mapped}4264C6C6:C350 01 0:0 {rest}\n")
    found = [
        (each["family"], each["remote"], each["remote_port"], each["bytes"]) for each in c.established(str(tmp_path))
    ]
    assert found == [(4, "198.198.100.66", 443, -1), (4, "198.198.100.66", 50_000, -1)]


def test_what_is_allowed_to_nobody_or_leads_nowhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_echo_socket", lambda _family: (False, None))
    assert probing.attempt(probe("icmp", 0), WORD) == ("not_made", "this user may not send echo requests")
    away = probe("tcp", 9, family=6, address="2001:db8::1")
    assert probing.attempt(away, WORD, 0.2)[0] in ("not_made", "silent")
