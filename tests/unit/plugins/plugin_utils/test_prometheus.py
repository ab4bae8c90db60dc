# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instant queries against real sockets: every way not to be answered has its own reason."""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_views import (
    PrometheusExpect,
    PrometheusTarget,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Outcome
from ansible_collections.toombos.incident.plugins.plugin_utils._prometheus import attempt

TOKEN = "Bearer s3cret-token"


def ask(url: str, seconds: float = 10.0, **expect: Any) -> Outcome:
    context = Context(Clock())
    target = PrometheusTarget(
        url, 'rate(errors{job="x y"}[5m])', PrometheusExpect(**(expect or {"min": 0})), (("Authorization", TOKEN),)
    )
    outcome = attempt(target, context.clock.monotonic() + seconds, context)
    assert "s3cret" not in repr(outcome)
    return outcome


def speak_plainly(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 this is no TLS\r\n\r\n")


def vector(*values: str) -> str:
    samples = [{"metric": {"__name__": "errors", "n": str(n)}, "value": [0, value]} for n, value in enumerate(values)]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": samples}})


def scalar(value: str) -> str:
    return json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [0, value]}})


@pytest.mark.parametrize(
    ("body", "expect", "status", "reason", "message"),
    [
        (vector("1", "2"), {"min": 1, "max": 2}, "pass", "ok", "2 samples as expected"),
        (vector("1", "3"), {"max": 2}, "fail", "over_limit", 'errors{n="1"} is 3, above 2'),
        (vector("0.5"), {"min": 1}, "fail", "over_limit", 'errors{n="0"} is 0.5, below 1'),
        (vector("0"), {"equals": 1}, "fail", "over_limit", 'errors{n="0"} is 0, not 1'),
        (vector("NaN"), {"max": 1}, "fail", "over_limit", 'errors{n="0"} is nan, not a number'),
        (vector("+Inf"), {"max": 1}, "fail", "over_limit", 'errors{n="0"} is inf, above 1'),
        (vector("NaN"), {"empty": False}, "pass", "ok", "1 samples as expected"),
        (vector(), {"max": 1}, "fail", "missing", "the query finds nothing"),
        (vector(), {"empty": False}, "fail", "missing", "the query finds nothing"),
        (vector(), {"empty": True}, "pass", "ok", "no sample, as expected"),
        (vector("1"), {"empty": True}, "fail", "over_limit", '1 samples where none should be: errors{n="0"}'),
        (scalar("7"), {"equals": 7}, "pass", "ok", "1 samples as expected"),
        (scalar("8"), {"equals": 7}, "fail", "over_limit", "the value is 8, not 7"),
    ],
)
def test_answers_are_judged(
    peers: Any, body: str, expect: dict[str, Any], status: str, reason: str, message: str
) -> None:
    outcome = ask(peers.json(body).url, **expect)
    assert (outcome.status, outcome.reason, outcome.message) == (status, reason, message)
    assert outcome.expected == expect


@pytest.mark.parametrize(
    ("body", "code", "reason", "message"),
    [
        ("<html>", 200, "bad_body", "status 200, and the body is not JSON"),
        ("<html>", 502, "bad_status", "status 502, and the body is not JSON"),
        (
            '{"status":"error","errorType":"bad_data","error":"parse error"}',
            400,
            "bad_status",
            "status 400: parse error",
        ),
        ('{"status":"success"}', 503, "bad_status", "status 503: no reason given"),
        ("[]", 200, "bad_status", "status 200: no reason given"),
        ('{"status":"success"}', 200, "bad_body", "the answer is neither vector and scalar: 'data'"),
        (
            '{"status":"success","data":{"resultType":"matrix","result":[]}}',
            200,
            "bad_body",
            "the answer is neither vector and scalar: 'matrix'",
        ),
        (
            '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[0,"x"]}]}}',
            200,
            "bad_body",
            "the answer is not one of Prometheus",
        ),
        (
            '{"status":"success","data":{"resultType":"scalar","result":null}}',
            200,
            "bad_body",
            "the answer is not one of Prometheus",
        ),
        ("[" * 100_000, 200, "bad_body", "status 200, and the body is not JSON"),
    ],
)
def test_answers_that_are_none(peers: Any, body: str, code: int, reason: str, message: str) -> None:
    outcome = ask(peers.json(body, code).url)
    assert (outcome.status, outcome.reason, outcome.message) == ("fail", reason, message)


def test_what_is_sent(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    peer = peers.json(scalar("1"))
    assert ask(f"{peer.url}prefix/").status == "pass"
    assert ask(f"{peer.url}api/v1/query").status == "pass"
    first, second = peer.requests
    query = b"query=rate%28errors%7Bjob%3D%22x+y%22%7D%5B5m%5D%29"
    assert first.startswith(b"GET /prefix/api/v1/query?" + query + b" HTTP/1.1\r\n")
    assert second.startswith(b"GET /api/v1/query?query=")
    assert f"\r\nAuthorization: {TOKEN}\r\n".encode() in first


def test_a_redirect_is_not_followed_with_the_token(peers: Any) -> None:
    elsewhere = peers.json(scalar("1"))
    head = f"HTTP/1.1 302 X\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n"
    assert ask(peers.tcp(head.encode()).url).reason == "bad_status"
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda peers: f"http://127.0.0.1:{peers.free_port()}", "refused"),
        (lambda _peers: "http://nowhere.invalid", "dns"),
        (lambda peers: peers.hang().url, "timeout"),
        (lambda peers: peers.drip(b"HTTP/1.1 200 X\r\n", b"a").url, "timeout"),
        (lambda peers: peers.drip(b"HTTP/1.1 200 X\r\nContent-Length: 999999\r\n\r\n", b" ").url, "timeout"),
        (lambda peers: peers.reset_after(b"").url, "reset"),
        (lambda peers: peers.tcp(b"SSH-2.0-OpenSSH_9.2\r\n").url, "not_http"),
        (lambda peers: peers.tcp(b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n{").url, "incomplete"),
        (lambda peers: f"https://127.0.0.1:{peers.tcp(speak_plainly).port}", "tls"),
    ],
    ids=["refused", "dns", "hang", "slow-head", "slow-body", "reset", "not-http", "cut-off", "no-tls"],
)
def test_no_answer_has_its_reason(peers: Any, make: Any, reason: str) -> None:
    outcome = ask(make(peers), seconds=1.5)
    assert (outcome.status, outcome.reason) == ("fail", reason), outcome.message
    assert "HTTPConnectionPool" not in outcome.message


def test_an_endless_body_costs_bounded_memory(peers: Any) -> None:
    peer = peers.drip(b"HTTP/1.1 200 X\r\n\r\n", b" " * 1_000_000)
    assert ask(peer.url).reason == "too_large"


def test_without_requests_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    outcome = ask("http://127.0.0.1:1")
    assert (outcome.reason, outcome.message) == (
        "cannot_run",
        "the Python of the controller has no requests, which this kind of probe needs",
    )
