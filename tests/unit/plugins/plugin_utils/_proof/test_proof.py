# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which probes are made, and what becomes of a proof when a half of it is missing."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._containment import proving
from ansible_collections.toombos.incident.plugins.module_utils._containment.observe import own_addresses
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._proof import probes as p, proof, round as r

V4, V6 = "203.0.113.5", "2001:db8::5"


def listener(address: str, port: int, protocol: str = "tcp") -> dict[str, Any]:
    return {"family": 6 if ":" in address else 4, "protocol": protocol, "address": address, "port": port}


def test_services_are_asked_where_they_can_be_reached() -> None:
    found = p.services(
        [V4, V6],
        [listener("0.0.0.0", 80), listener("::", 22), listener("127.0.0.1", 5432), listener(V6, 53, "udp")],
        [22],
    )
    told = [(each.address, each.protocol, each.port, each.what, each.banner) for each in found]
    assert told == [
        (V4, "tcp", 22, "ssh", True),
        (V6, "tcp", 22, "ssh", True),
        (V4, "tcp", 80, "a service", False),
        (V6, "udp", 53, "a service", False),
    ]


def test_there_are_not_more_probes_than_a_host_should_see_and_ssh_is_among_them() -> None:
    ports = [listener("::", port, kind) for port in range(1, 200) for kind in ("tcp", "udp")]
    found = p.services([V4, V6], [*ports, listener("::", 2222)], [2222])
    assert len(found) == 2 * p.MOST_PORTS
    assert [each.port for each in found][:2] == [2222, 2222]


def test_peers_are_those_to_whom_the_host_has_connected() -> None:
    def flow(remote: str, local_port: int, remote_port: int) -> dict[str, Any]:
        return {"remote": remote, "local": V4, "local_port": local_port, "remote_port": remote_port}

    flows = [
        flow("198.51.100.66", 40_000, 4444),
        flow("198.51.100.66", 40_001, 4444),
        flow("198.51.100.7", 80, 50_000),  # that one came to us
        flow("127.0.0.1", 40_002, 5432),
        flow("fe80::1", 40_003, 179),
        *(flow(f"198.51.100.{number}", 41_000, 443) for number in range(100, 120)),
    ]
    found = p.peers(flows, [flow("198.51.100.119", 41_000, 443)], [listener("::", 80)], [V4])
    told = [(each.probe.to, each.seen) for each in found[:3]]
    # A socket alone shows nothing: that of a connection that is cut lives on.
    assert told == [
        ("198.51.100.119:443", "answered"),
        ("198.51.100.66:4444", "unknown"),
        ("198.51.100.100:443", "unknown"),
    ]
    assert len(found) == p.MOST_PEERS


def test_out_of_the_host_it_is_asked_over_both_families() -> None:
    found = p.outward({4: "192.0.2.9", 6: "2001:db8:2::9"}, ["192.0.2.53", "nonsense"], ["fe80::1%eth0"])
    assert [(each.family, each.protocol, each.to) for each in found] == [
        (4, "tcp", "192.0.2.9"), (4, "udp", "192.0.2.9"), (4, "icmp", "192.0.2.9"),
        (6, "tcp", "2001:db8:2::9"), (6, "udp", "2001:db8:2::9"), (6, "icmp", "2001:db8:2::9"),
        (4, "udp", "192.0.2.53:53"), (6, "icmp", "fe80::1%eth0"),
    ]  # fmt: skip


def test_addresses_of_the_controller_itself_are_never_taken_for_the_host() -> None:
    assert r.choose(["127.0.0.1", "::1", "no address", "0.0.0.0", *own_addresses()]) == {}
    assert r.resolve("name.invalid") == []


def known(**more: Any) -> dict[str, Any]:
    flow = {"remote": "198.51.100.66", "local": V4, "local_port": 4, "remote_port": 5}
    peer = r.as_dict(p.peers([flow], [flow], [], [])[0])
    return {
        "answers": [peer],
        "sources": {},
        "addresses": [V4],
        "connection": "a 1 b 22",
        "connections": 3,
        "reached_at": [],
        **more,
    }


def host(connection: str = "a 2 b 22", seen: str = "silent", **more: Any) -> Any:
    standing = {"in_force": True, "isolation": {"flows": []}, "counters": [], "cut": 40}
    said = {
        "connection": connection,
        "standing": standing,
        "cut": 7,
        "established": [],
        "moved": [],
        "told_bytes": True,
    }

    def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
        return {**said, "outward": [[seen, ""] for _probe in asked["ask"]["outward"]], **more}

    return answer


def test_a_peer_that_is_cut_and_a_new_connection_prove_it() -> None:
    found = proof.after(host(), known(), {}, {})
    assert (found["outcome"], found["ok"], found["counts"]["held"]) == ("proved", True, 1)
    assert found["dropped"] == {"during": 7, "in_all": 40}
    assert found["flows"]["before"] == 3


@pytest.mark.parametrize(
    ("asked", "outcome", "word"),
    [
        (host(connection="a 1 b 22"), "not_proved", "it was the same connection as before"),
        (host(connection=""), "not_proved", "was not asked over ssh"),
        (host(seen="answered"), "disproved", "something came through"),
        (host(standing={"in_force": False, "msg": "released"}), "disproved", "not in force: released"),
        (lambda _ask: {"unreachable": True, "msg": "No route\nto host"}, "not_proved", "No route to host"),
    ],
)
def test_what_is_missing_is_told_and_counts_for_nothing(asked: Any, outcome: str, word: str) -> None:
    found = proof.after(asked, known(), {}, {})
    assert (found["outcome"], found["ok"]) == (outcome, False)
    assert word in " ".join(found["against"])


@pytest.mark.parametrize(
    ("sources", "reached_at", "verdict"),
    [
        ({"4": "10.0.0.5"}, ["1.2.3.4"], "says_nothing"),
        ({"4": "5.6.7.8"}, ["1.2.3.4"], "got_through"),
        ({"4": "10.0.0.5"}, ["10.0.0.8"], "got_through"),
    ],
)
def test_who_comes_by_a_router_that_translates_is_no_hole(
    monkeypatch: pytest.MonkeyPatch, sources: dict[str, str], reached_at: list[str], verdict: str
) -> None:
    """The management is somebody of IPv6; over IPv4 its ssh answers somebody, who may be allowed there."""
    flows = [{"direction": "in", "network": "192.0.2.0/28", "protocol": "tcp", "port": 22}]
    ssh = p.services([reached_at[0]], [listener("0.0.0.0", 22)], [22])[0]
    monkeypatch.setattr(r, "ask_services", lambda probes: [r.Answer(probe, "answered") for probe in probes])
    before = known(
        sources=sources,
        reached_at=reached_at,
        connection="2001:db8::9 1 2001:db8::5 22",
        answers=[r.as_dict(r.Answer(ssh, "answered"))],
    )
    found = proof.after(host(standing={"in_force": True, "isolation": {"flows": flows}}), before, {}, {})
    assert [each["verdict"] for each in found["probes"]] == [verdict]


def test_a_witness_that_gets_in_disproves_it() -> None:
    seen = {"answers": [r.as_dict(r.Answer(each, "answered")) for each in p.from_witness([V4], 22)]}
    found = proof.after(host(), known(), seen, seen)
    assert found["outcome"] == "disproved"
    assert found["against"] == [
        f"tcp from witness to {V4}:22 (ssh of a witness): it is forbidden, and something came through"
    ]


@pytest.mark.parametrize(
    "nothing", [{}, {"answers": [{"by": "host"}], "sources": {}}, {"answers": None, "sources": {}}]
)
def test_without_a_look_before_there_is_no_proof(nothing: dict[str, Any]) -> None:
    with pytest.raises(IncidentError, match="Register phase: before"):
        proof.after(host(), nothing, {}, {})


def test_a_host_that_does_not_answer_before_is_an_error() -> None:
    with pytest.raises(IncidentError, match="could not be asked: No route to host"):
        proof.before(lambda _ask: {"unreachable": True, "msg": "No route to host"}, "web-1")


@pytest.fixture
def both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[proof.Host, int]]:
    """A host that is this machine, as far as the proof can tell, with a real ssh banner; and the port of that."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    over = threading.Event()

    def serve() -> None:
        server.settimeout(0.05)
        while not over.is_set():
            with contextlib.suppress(OSError):
                link = server.accept()[0]
                link.sendall(b"SSH-2.0-test\r\n")
                link.close()

    thread = threading.Thread(target=serve)
    thread.start()
    calls = itertools.count(1)
    here = {
        "HOLD": 0.5,
        "listening": lambda: [listener("127.0.0.1", port)],
        "established": list,
        "resolvers": list,
        "gateways": list,
        "connection_of": lambda: f"127.0.0.1 {next(calls)} 127.0.0.1 {port}",
    }
    for name, value in here.items():
        monkeypatch.setattr(proving, name, value)
    monkeypatch.setattr(r, "choose", lambda _addresses: {"127.0.0.1": "127.0.0.1"})

    def host(more: Mapping[str, Any]) -> dict[str, Any]:
        params = {"store_dir": str(tmp_path), "state_dir": str(tmp_path), **more}
        return (proving.take_part if "ask" in more else proving.look)(params)

    yield host, port
    over.set()
    thread.join(5)
    server.close()


def test_both_sides_ask_and_hear_each_other(both_sides: tuple[proof.Host, int]) -> None:
    host, port = both_sides
    found = proof.before(host, "127.0.0.1")
    seen = {(each["by"], each["protocol"], each["what"]): each["seen"] for each in found["answers"]}
    assert {key: word for key, word in seen.items() if key[1] != "icmp"} == {
        ("controller", "tcp", p.KNOCK): "answered",
        ("controller", "udp", p.KNOCK): "answered",
        ("host", "tcp", p.LISTENER): "answered",
        ("host", "udp", p.LISTENER): "answered",
        ("controller", "tcp", "ssh"): "answered",
    }
    assert (found["reached_at"], found["ssh_port"], found["isolated"]) == (["127.0.0.1"], port, False)
    assert found == json.loads(json.dumps(found))
    later = proof.after(host, found, {}, {})
    assert later["outcome"] == "disproved"
    assert later["counts"]["got_through"] >= 5  # no flow allows anything, so that ssh is one of them


def test_a_listener_that_cannot_be_had_is_no_proof() -> None:
    probe = p.outward({4: "192.0.2.1"}, [], [])[0]  # an address of nobody here
    knock = p.knocks(["127.0.0.1"])[0]
    said = {"outward": [["silent", ""]], "deaf": [[4, "tcp", "in use"]], "heard": []}
    done = r.carry_out(lambda _ask: said, [knock], [probe], "a word")
    assert [(each.seen, each.why.partition(":")[0]) for each in done.answers] == [
        ("not_made", "the host cannot listen"),
        ("not_made", "the controller cannot listen"),
    ]


def test_who_connects_and_is_not_heard_has_reached_somebody_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.MonkeyPatch.context() as patch:
        port = other.getsockname()[1]
        patch.setattr(r, "_PORTS", (port, port))
        knock = p.knocks(["127.0.0.1"])[0]

        def call(_ask: Mapping[str, Any]) -> dict[str, Any]:
            other.accept()[0].close()
            return {}

        done = r.carry_out(call, [knock], [], "a word")
    assert (done.answers[0].seen, done.answers[0].why) == ("refused", "connected, and the host did not hear it")
