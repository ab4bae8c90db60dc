# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind http: what counts as a good answer."""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

APP = '{"service": "app", "status": "unknown", "checks": [{"ok": true}]}'
OTHER = '{"service": "other", "status": "healthy"}'


@pytest.mark.parametrize(
    ("body", "status", "expect", "reason"),
    [
        pytest.param(APP, 200, {}, "ok", id="status-only"),
        pytest.param(APP, 503, {}, "bad_status", id="503"),
        pytest.param(APP, 301, {}, "bad_status", id="redirect"),
        pytest.param(APP, 503, {"status": [200, "500-599"]}, "ok", id="declared-status"),
        pytest.param(APP, 200, {"status": [201]}, "bad_status", id="200-is-not-201"),
        pytest.param(APP, 200, {"identity": {"service": "app"}}, "ok", id="identity"),
        pytest.param(OTHER, 200, {"identity": {"service": "app"}}, "wrong_service", id="another-service"),
        pytest.param(OTHER, 404, {"identity": {"service": "app"}}, "wrong_service", id="another-service-404"),
        pytest.param(
            '{"detail": "Not Found"}', 404, {"identity": {"service": "app"}}, "bad_status", id="404-proves-nothing"
        ),
        pytest.param("<html>", 404, {"identity": {"service": "app"}}, "bad_status", id="html-404-proves-nothing"),
        pytest.param("<html>", 200, {"identity": {"service": "app"}}, "wrong_service", id="no-identity"),
        pytest.param("{}", 200, {"identity": {"service": "app"}}, "wrong_service", id="identity-missing"),
        pytest.param(APP, 200, {"json": {"status": ["unknown", "healthy"]}}, "ok", id="one-of"),
        pytest.param(APP, 200, {"json": {"checks.0.ok": True}}, "ok", id="list-index"),
        pytest.param(APP, 200, {"json": {"status": "healthy"}}, "bad_body", id="other-value"),
        pytest.param(OTHER, 200, {"json": {"service": "app"}}, "bad_body", id="service-is-a-plain-condition"),
        pytest.param(APP, 200, {"json": {"checks.0.ok": 1}}, "bad_body", id="true-is-not-one"),
        pytest.param(APP, 200, {"json": {"nope": None}}, "bad_body", id="missing-is-not-null"),
        pytest.param("not json", 200, {"json": {"a": 1}}, "bad_body", id="not-json"),
        pytest.param("[" * 100_000, 200, {"json": {"a": 1}}, "bad_body", id="json-bomb"),
        pytest.param(APP, 200, {"body": '"ok": true'}, "ok", id="pattern"),
        pytest.param(APP, 200, {"body": "^never"}, "bad_body", id="other-pattern"),
        pytest.param(APP, 200, {"headers": {"Content-Type": "/json"}}, "ok", id="header"),
        pytest.param(APP, 200, {"headers": {"Content-Type": "html"}}, "bad_header", id="other-header"),
        pytest.param(APP, 200, {"headers": {"X-None": "x"}}, "bad_header", id="no-header"),
    ],
)
def test_expectations(peers: Any, ask: Any, body: str, status: int, expect: dict[str, Any], reason: str) -> None:
    outcome = ask(kind="http", url=peers.json(body, status).url, expect=expect)
    assert outcome.reason == reason
    assert outcome.status == ("pass" if reason == "ok" else "fail")
    assert outcome.observed["status"] == status


def test_messages_say_what_is_wrong(peers: Any, ask: Any) -> None:
    peer = peers.json(APP)
    wrong = ask(kind="http", url=peer.url, expect={"json": {"status": ["healthy", "ok"], "service": "app"}})
    assert wrong.message == 'status is "unknown", not "healthy" or "ok"'
    assert wrong.observed == {"status": 200, "json": {"status": "unknown"}}
    assert wrong.expected == {"status": ["200-299"], "json": {"status": ["healthy", "ok"], "service": "app"}}
    assert ask(kind="http", url=peer.url, expect={"json": {"a.b": 1}}).message == "the body has no a.b"


def test_expected_shows_what_is_declared(peers: Any, ask: Any) -> None:
    expect = {"status": [200], "identity": {"service": "app"}, "body": "a", "headers": {"A": "b"}}
    outcome = ask(kind="http", url=peers.json(APP).url, expect=expect)
    assert outcome.expected == {"status": ["200"], "identity": {"service": "app"}, "body": "a", "headers": {"a": "b"}}


def test_redirects_are_shown_and_not_followed(peers: Any, ask: Any) -> None:
    peer = peers.tcp(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n")
    outcome = ask(kind="http", url=peer.url)
    assert (outcome.reason, outcome.observed) == ("bad_status", {"status": 302, "location": "/login"})
    assert len(peer.requests) == 1


def test_a_body_that_is_not_utf8(peers: Any, ask: Any) -> None:
    peer = peers.tcp(b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe caf\xe9")
    outcome = ask(kind="http", url=peer.url, expect={"json": {"a": 1}})
    assert (outcome.reason, "not JSON" in outcome.message) == ("bad_body", True)


def test_a_body_that_is_too_large_to_be_read(peers: Any, ask: Any) -> None:
    peer = peers.tcp(b'HTTP/1.1 200 OK\r\n\r\n{"a": 1}' + b" " * 1_100_000)
    outcome = ask(kind="http", url=peer.url, expect={"json": {"a": 1}})
    assert (outcome.reason, "too large" in outcome.message) == ("bad_body", True)


def test_what_is_sent(peers: Any, ask: Any) -> None:
    peer = peers.json('{"status": "preview"}')
    ask(
        kind="http",
        url=peer.url + "generate",
        method="post",
        safe=True,
        headers={"X-A": "b"},
        body={"preview_only": True},
    )
    head, _blank, body = peer.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /generate HTTP/1.1\r\n")
    assert b"\r\nX-A: b\r\n" in head
    assert b"\r\nContent-Type: application/json\r\n" in head
    assert body == b'{"preview_only": true}'


def test_over_a_unix_socket(peers: Any, ask: Any, tmp_path: Any) -> None:
    peers.unix(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", tmp_path / "s")
    assert ask(kind="http", url="http://x/", unix_socket=str(tmp_path / "s")).reason == "ok"


@pytest.mark.parametrize(
    ("latency", "status", "reason"),
    [
        ({"warn": 60, "fail": 90}, "pass", "ok"),
        ({"warn": "1ms", "fail": 60}, "warn", "slow"),
        ({"warn": "1ms", "fail": "2ms"}, "fail", "slow"),
        ({"fail": "1ms"}, "fail", "slow"),
    ],
)
def test_latency(peers: Any, ask: Any, latency: dict[str, Any], status: str, reason: str) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        time.sleep(0.05)
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")

    peer = peers.tcp(behave)
    outcome = ask(kind="http", url=peer.url, latency=latency)
    assert (outcome.status, outcome.reason) == (status, reason)


def test_no_answer(peers: Any, ask: Any) -> None:
    assert ask(kind="http", url=f"http://127.0.0.1:{peers.free_port()}/").reason == "refused"
    assert ask(kind="http", url=peers.hang().url, seconds=0.1).reason == "timeout"
    assert ask(kind="http", url=peers.tcp(b"220 mail ESMTP\r\n").url).reason == "not_http"


def test_a_compressed_body_is_not_unpacked(peers: Any, ask: Any) -> None:
    bomb = gzip.compress(b'{"status": "' + b"x" * 50_000_000 + b'"}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    peer = peers.tcp(head + bomb)
    outcome = ask(kind="http", url=peer.url, expect={"json": {"status": "ok"}})
    assert (outcome.status, outcome.reason) == ("fail", "bad_body")
    assert "compressed (gzip), although that was not asked for" in outcome.message
    assert ask(kind="http", url=peer.url).status == "pass", "whoever does not look at the body does not mind"


HUNGRY = """
import resource, sys
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._probe.runner import run_probes
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import parse_probe
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
raw = {"kind": "http", "url": sys.argv[1], "timeout": 3, "failure_threshold": 1, "expect": {"json": {"a": 1}}}
probes = [parse_probe(f"p{number}", raw, where="p") for number in range(8)]
before = peak()
checks = run_probes(probes, deadline=None, clock=Clock())
print({check.reason for check in checks}, (peak() - before) // 1024)
"""


@pytest.mark.parametrize("head", [b"", b"Content-Length: 10000000000\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_an_endless_body_costs_little_memory(peers: Any, head: bytes) -> None:
    chunk = b"x" * 65536
    piece = b"10000\r\n" + chunk + b"\r\n" if b"chunked" in head else chunk

    def behave(connection: Any) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(piece)

    command = [sys.executable, "-c", HUNGRY, peers.tcp(behave).url]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=paths).stdout
    reasons, _brace, grown = told.partition("} ")
    assert reasons == "{'bad_body'"
    assert int(grown) < 40, "megabytes, for eight of them at the same time"


def test_a_secret_is_hidden_before_the_body_is_cut(ask: Any, peers: Any) -> None:
    peer = peers.json("x" * 170 + " redis://app:hunter2hunter2@db/", status=500)
    outcome = ask(kind="http", url=peer.url)
    assert outcome.observed["body"].startswith("xxx")
    assert "hunter" not in str(outcome.observed)
