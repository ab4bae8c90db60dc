# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole bodies: health reports, metrics, JMESPath."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._probe.bodies import judge_health
from ansible_collections.toombos.incident.plugins.module_utils._probe.exposition import parse_samples
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import ProbeSpecError, parse_probe

PAGE = """\
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{code="200",path="/a\\\\b\\"c"} 1027 1395066363000
http_requests_total{code="500"} 3 # {trace_id="x"} 0.67 1520879607.789
http_requests_total{code="500", host="b"} 30
up 1
temperature -2.5e1
odd NaN
big +Inf
# EOF
"""
REPORT = {
    "status": "warn",
    "checks": {
        "db:connections": [{"status": "warn", "observedValue": 75, "observedUnit": "percent"}],
        "cache": [{"status": "pass"}],
        "disk": [{"status": "fail", "output": "token=geheim-geheim-123 full"}],
    },
}


def ask_for(ask: Any, peers: Any, body: str, **expect: Any) -> Any:
    return ask(kind="http", url=peers.json(body).url, expect=expect)


@pytest.mark.parametrize("word", ["pass", "ok", "up", "PASS"])
def test_a_good_report(word: str) -> None:
    assert judge_health({"status": word}) == ("pass", "reports that it is well")


@pytest.mark.parametrize("document", [{}, [], None, {"status": 1}, {"status": "splendid"}, {"status": None}, "pass"])
def test_what_is_no_report_is_not_good(document: Any) -> None:
    assert judge_health(document)[0] == "fail"


def test_a_warning_names_who_is_to_blame(ask: Any, peers: Any) -> None:
    outcome = ask_for(ask, peers, json.dumps(REPORT), health=True)
    assert (outcome.status, outcome.reason) == ("warn", "bad_body")
    assert outcome.message.startswith("reports warn: db:connections warn = 75 percent; disk fail (")


def test_a_failure_behind_a_503_is_read(ask: Any, peers: Any) -> None:
    body = b'{"status": "fail", "output": "no database"}'
    peer = peers.tcp(b"HTTP/1.1 503 X\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    outcome = ask(kind="http", url=peer.url, expect={"health": True})
    assert (outcome.status, outcome.message) == ("fail", "reports fail: no database")


def test_a_good_report_does_not_outweigh_another_condition(ask: Any, peers: Any) -> None:
    outcome = ask_for(ask, peers, '{"status": "warn", "service": "b"}', health=True, identity={"service": "a"})
    assert (outcome.status, outcome.reason) == ("fail", "wrong_service")


@pytest.mark.parametrize("body", ["", "no json", '{"status": "pass"', "[1]"])
def test_a_report_that_cannot_be_read(ask: Any, peers: Any, body: str) -> None:
    assert ask_for(ask, peers, body, health=True).status == "fail"


def test_samples_as_prometheus_writes_them() -> None:
    samples = parse_samples(PAGE)
    assert [sample.value for sample in samples[:3]] == [1027, 3, 30]
    assert samples[0].labels == {"code": "200", "path": '/a\\b"c'}
    assert (samples[4].value, samples[6].value) == (-25, float("inf"))


@pytest.mark.parametrize(
    ("condition", "reason", "words"),
    [
        ({"up": {"equals": 1}}, "ok", ""),
        ({"up": {"min": 1, "max": 1}}, "ok", ""),
        ({'http_requests_total{code="200"}': {"min": 1000}}, "ok", ""),
        ({'http_requests_total{code="500"}': {"max": 10}}, "over_limit", 'host="b"} is 30, not at most 10'),
        ({"temperature": {"min": 0}}, "over_limit", "temperature is -25, not at least 0"),
        ({"odd": {"max": 1}}, "over_limit", "odd is nan"),
        ({"gone": {"min": 0}}, "bad_body", "there is no metric gone"),
        ({'up{job="x"}': {"min": 0}}, "bad_body", "there is no metric up"),
    ],
)
def test_metrics(ask: Any, peers: Any, condition: Any, reason: str, words: str) -> None:
    outcome = ask_for(ask, peers, PAGE, metrics=condition)
    assert (outcome.reason, words in outcome.message) == (reason, True), outcome.message


@pytest.mark.parametrize("body", ["<html>", "up", 'up{a="b} 1', "up one", "up{a} 1", "{} 1"])
def test_what_is_no_metrics_page(ask: Any, peers: Any, body: str) -> None:
    outcome = ask_for(ask, peers, body, metrics={"up": {"equals": 1}})
    assert (outcome.reason, "not in a metrics format" in outcome.message) == ("bad_body", True)


@pytest.mark.parametrize(
    ("expression", "value", "reason"),
    [
        ("length(items[?state == 'stuck'])", 1, "ok"),
        ("length(items[?state == 'stuck'])", [0, 2], "bad_body"),
        ("items[0].state", "fine", "ok"),
        ("nowhere", None, "ok"),
        ("items[", "x", "bad_body"),
        ("length(nowhere)", 0, "bad_body"),
    ],
)
def test_jmespath(ask: Any, peers: Any, expression: str, value: Any, reason: str) -> None:
    body = json.dumps({"items": [{"state": "fine"}, {"state": "stuck"}]})
    assert ask_for(ask, peers, body, jmespath={expression: value}).reason == reason


def test_a_host_without_jmespath_was_not_asked(ask: Any, peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jmespath", None)
    outcome = ask_for(ask, peers, "{}", jmespath={"a": 1})
    assert (outcome.status, outcome.reason) == ("fail", "cannot_run")
    assert "install python3-jmespath" in outcome.message


@pytest.mark.parametrize(
    "metrics", [{"1up": {"min": 0}}, {"up": {}}, {"up": {"min": "x"}}, {"up": {"min": True}}, {"up rest": {"min": 0}}]
)
def test_conditions_on_metrics_are_read_strictly(metrics: Any) -> None:
    raw = {"kind": "http", "url": "http://127.0.0.1/", "expect": {"metrics": metrics}}
    with pytest.raises(ProbeSpecError):
        parse_probe("p", raw, where="p")
