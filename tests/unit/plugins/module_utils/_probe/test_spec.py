# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes as written in the catalogue."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import KINDS, ProbeSpecError, parse_probe
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import (
    CommandTarget,
    Condition,
    DiskTarget,
    HttpExpect,
    HttpTarget,
    Latency,
    Levels,
    LoadTarget,
    MemoryTarget,
    PortOwnerTarget,
    ProcessTarget,
    SupervisorTarget,
    SystemdTarget,
    TcpTarget,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Probe, Schedule

WHERE = "main.probes.p"
URL = "http://127.0.0.1:8000/x"


def parse(**raw: Any) -> Probe:
    return parse_probe("p", raw, service="main", where=WHERE)


def problems(**raw: Any) -> list[str]:
    with pytest.raises(ProbeSpecError) as caught:
        parse(**raw)
    assert all(line.startswith(WHERE) for line in caught.value.problems)
    assert all(line in str(caught.value) for line in caught.value.problems)
    return caught.value.problems


def test_a_probe_belongs_to_a_service_or_to_the_host() -> None:
    assert (parse(kind="load").name, parse(kind="load").service) == ("p", "main")
    assert parse_probe("p", {"kind": "load"}, where=WHERE).service == ""


def test_schedule() -> None:
    raw = {"initial_delay": 0, "period": "500ms", "timeout": "1m", "success_threshold": 2, "failure_threshold": "3"}
    assert parse(kind="load", **raw).schedule == Schedule(0.0, 0.5, 60.0, 2, 3)
    assert parse(kind="load").schedule == Schedule()


@pytest.mark.parametrize(
    ("raw", "target"),
    [
        ({"kind": "http", "url": URL}, HttpTarget(URL)),
        (
            {
                "kind": "http",
                "url": URL,
                "method": "post",
                "safe": "yes",
                "headers": {"X-A": "b", "X-N": 5},
                "body": {"a": True},
                "unix_socket": "/run/x.sock",
                "verify": "false",
                "expect": {
                    "status": [200, "204", "300-399"],
                    "identity": {"service": "app"},
                    "json": {"checks.0.ok": True, "status": ["unknown", "healthy"], "gone": None},
                    "body": "ok",
                    "headers": {"Server": "^nginx"},
                },
                "latency": {"warn": "2s", "fail": 5},
            },
            HttpTarget(
                URL,
                method="POST",
                headers=(("X-A", "b"), ("X-N", "5"), ("Content-Type", "application/json")),
                body=b'{"a": true}',
                unix_socket="/run/x.sock",
                verify=False,
                expect=HttpExpect(
                    status=((200, 200), (204, 204), (300, 399)),
                    identity=(Condition("service", ("app",)),),
                    json=(
                        Condition("checks.0.ok", (True,)),
                        Condition("status", ("unknown", "healthy")),
                        Condition("gone", (None,)),
                    ),
                    body="ok",
                    headers=(("server", "^nginx"),),
                ),
                latency=Latency(2.0, 5.0),
            ),
        ),
        ({"kind": "http", "url": URL, "body": "text"}, HttpTarget(URL, body=b"text")),
        (
            {"kind": "http", "url": URL, "body": [1], "headers": {"content-type": "x/y"}},
            HttpTarget(URL, body=b"[1]", headers=(("content-type", "x/y"),)),
        ),
        ({"kind": "tcp", "port": "5432"}, TcpTarget("127.0.0.1", 5432)),
        (
            {"kind": "tcp", "address": "::1", "port": 1, "latency": {"warn": 1}},
            TcpTarget("::1", 1, Latency(1.0, None)),
        ),
        ({"kind": "process", "match": "x.py"}, ProcessTarget("x.py")),
        ({"kind": "process", "match": "x", "max": 0}, ProcessTarget("x", min=0, max=0)),
        (
            {"kind": "process", "match": "x", "cwd": "/srv/", "user": 33, "min": 2, "max": 4},
            ProcessTarget("x", "/srv", "33", 2, 4),
        ),
        ({"kind": "supervisor", "program": "g:p", "socket": "/s"}, SupervisorTarget("g:p", "/s")),
        ({"kind": "systemd", "unit": "x.service"}, SystemdTarget("x.service")),
        (
            {"kind": "port_owner", "port": 80, "expect": {"match": "nginx", "user": "www", "exe": "/usr/sbin/nginx"}},
            PortOwnerTarget(80, "nginx", "www", "/usr/sbin/nginx"),
        ),
        ({"kind": "disk", "path": "/srv"}, DiskTarget("/srv", Levels(80, 90), Levels(80, 90))),
        (
            {"kind": "disk", "path": "/", "bytes": {"warn": 95}, "inodes": {"fail": 50}},
            DiskTarget("/", Levels(95, 95), Levels(50, 50)),
        ),
        ({"kind": "memory", "warn": 70.5, "fail": "75"}, MemoryTarget(Levels(70.5, 75))),
        ({"kind": "load"}, LoadTarget(Levels(1.5, 4))),
        ({"kind": "load", "fail": 400}, LoadTarget(Levels(1.5, 400))),
        ({"kind": "command", "command": "a 'b c'"}, CommandTarget(("a", "b c"))),
        (
            {"kind": "command", "command": ["a"], "cwd": "/x", "expect": {"rc": [0, 3], "stdout": "^ok"}},
            CommandTarget(("a",), "/x", (0, 3), "^ok"),
        ),
        ({"kind": "command", "command": "a", "expect": {"rc": 2}}, CommandTarget(("a",), rc=(2,))),
        ({"kind": "command", "command": "a", "expect": {"rc": []}}, CommandTarget(("a",), rc=(0,))),
    ],
)
def test_targets(raw: dict[str, Any], target: object) -> None:
    assert parse(**raw).target == target


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ({"kind": "load", "tiemout": 1}, ".tiemout: unknown key (did you mean 'timeout'?)"),
        ({"kind": "htp"}, ".kind: 'htp' is no kind of probe (did you mean 'http'?)"),
        ({"kind": ["http"]}, ".kind: ['http'] is no kind of probe"),
        ({}, ".kind: is missing, it is one of http, tcp"),
        ({"kind": "load", "timeout": 0}, ".timeout: 0 must be longer than zero"),
        ({"kind": "load", "timeout": "soon"}, ".timeout: 'soon' is not a duration"),
        ({"kind": "load", "period": 0}, ".period: 0 must be longer"),
        ({"kind": "load", "initial_delay": "x"}, ".initial_delay: 'x' is not a duration"),
        ({"kind": "load", "success_threshold": 0}, ".success_threshold: 0 must be 1 or more"),
        ({"kind": "load", "failure_threshold": 1.5}, ".failure_threshold: 1.5 must be a whole number"),
        ({"kind": "load", "warn": True}, ".warn: True must be a number above 0"),
        ({"kind": "load", "warn": "x"}, ".warn: 'x' must be a number above 0"),
        ({"kind": "load", "fail": 0}, ".fail: 0 must be a number above 0"),
        ({"kind": "memory", "warn": 95, "fail": 90}, ".warn: 95 is above fail (90)"),
        ({"kind": "memory", "fail": 101}, ".fail: 101 is no percentage"),
        ({"kind": "disk"}, ".path: is missing"),
        ({"kind": "disk", "path": "srv"}, ".path: 'srv' is not an absolute path"),
        ({"kind": "disk", "path": "/", "bytes": 80}, ".bytes: must be a mapping, not a number"),
        ({"kind": "disk", "path": "/", "bytes": {"wran": 1}}, ".bytes.wran: unknown key (did you mean 'warn'?)"),
        ({"kind": "tcp"}, ".port: is missing"),
        ({"kind": "tcp", "port": 70000}, ".port: 70000 is out of range"),
        ({"kind": "tcp", "port": 1, "latency": {"warn": 3, "fail": 2}}, ".latency.warn: 3s is above fail (2s)"),
        ({"kind": "process"}, ".match: is missing"),
        ({"kind": "process", "match": "(", "min": -1}, ".match: '(' is not a regular expression"),
        ({"kind": "process", "match": "x", "min": -1}, ".min: -1 must be 0 or more"),
        ({"kind": "process", "match": "x", "min": 3, "max": 2}, ".min: 3 is above max (2)"),
        ({"kind": "process", "match": "x", "user": True}, ".user: True must be text"),
        ({"kind": "supervisor", "program": "x"}, ".socket: is missing"),
        ({"kind": "systemd", "unit": "--all"}, ".unit: '--all' must be one word"),
        ({"kind": "port_owner", "port": 1}, ".expect: is missing"),
        ({"kind": "port_owner", "port": 1, "expect": {}}, ".expect: says nothing"),
        ({"kind": "command"}, ".command: is missing"),
        ({"kind": "command", "command": "'"}, '.command: "\'" cannot be split'),
        ({"kind": "command", "command": "a", "expect": {"rc": "x"}}, ".expect.rc: 'x' must be a whole number"),
        ({"kind": "command", "command": "a", "expect": {"rc": [1, "x"]}}, ".expect.rc[1]: 'x' must be a whole number"),
        ({"kind": "http"}, ".url: is missing"),
        ({"kind": "http", "url": "127.0.0.1"}, ".url: not an http"),
        ({"kind": "http", "url": 1}, ".url: must be text, not a number"),
        ({"kind": "http", "url": URL, "method": "GET /"}, ".method: 'GET /' is not an HTTP method"),
        ({"kind": "http", "url": URL, "method": 1}, ".method: 1 is not an HTTP method"),
        ({"kind": "http", "url": URL, "verify": "maybe"}, ".verify: 'maybe' is neither true nor false"),
        ({"kind": "http", "url": URL, "body": 1}, ".body: must be text, a mapping or a list"),
        ({"kind": "http", "url": URL, "headers": {"A": None}}, ".headers.A: must be text, not nothing"),
        ({"kind": "http", "url": URL, "headers": {"A B": "x"}}, ".headers: 'A B' is not a header name"),
        (
            {"kind": "http", "url": URL, "expect": {"stauts": [200]}},
            ".expect.stauts: unknown key (did you mean 'status'?)",
        ),
        ({"kind": "http", "url": URL, "expect": {"status": 200}}, ".expect.status: must be a list"),
        ({"kind": "http", "url": URL, "expect": {"status": [99]}}, ".expect.status[0]: 99 is no status"),
        ({"kind": "http", "url": URL, "expect": {"status": ["300-200"]}}, ".expect.status[0]: '300-200' is no status"),
        ({"kind": "http", "url": URL, "expect": {"json": {"a..b": 1}}}, ".expect.json.a..b: is no path"),
        ({"kind": "http", "url": URL, "expect": {"json": {"a": []}}}, ".expect.json.a: must be a plain value"),
        ({"kind": "http", "url": URL, "expect": {"json": {"a": {"b": 1}}}}, ".expect.json.a: must be a plain value"),
        ({"kind": "http", "url": URL, "expect": {"identity": [1]}}, ".expect.identity: must be a mapping"),
        ({"kind": "http", "url": URL, "expect": {"body": ".*"}}, ".expect.body: '.*' matches everything"),
        ({"kind": "http", "url": URL, "expect": {"headers": {"A": "("}}}, ".expect.headers.A: '(' is not a regular"),
    ],
)
def test_problems(raw: dict[str, Any], line: str) -> None:
    assert any(found.startswith(WHERE + line) for found in problems(**raw)), problems(**raw)


def test_all_problems_at_once() -> None:
    found = problems(kind="tcp", port=0, period=0, adress="x")
    assert [line.split(": ")[0].rsplit(".", 1)[1] for line in sorted(found)] == ["adress", "period", "port"]


@pytest.mark.parametrize("raw", [None, "http", []])
def test_a_probe_that_is_no_mapping(raw: Any) -> None:
    with pytest.raises(ProbeSpecError) as caught:
        parse_probe("p", raw, where=WHERE)
    assert [line.split(",")[0] for line in caught.value.problems] == [f"{WHERE}: must be a mapping"]


@pytest.mark.parametrize(
    "raw",
    [
        {"url": "http://user:hunter2@a/"},
        {"url": URL, "headers": {"Authorization": "Bearer hunter2\n"}},
        {"url": URL, "headers": {"Authorization": ["hunter2"]}},
        {"url": URL, "body": b"hunter2"},
    ],
)
def test_problems_do_not_quote_secrets(raw: dict[str, Any]) -> None:
    assert "hunter2" not in " ".join(problems(kind="http", **raw))


def test_every_kind_of_the_architecture() -> None:
    expected = "http tcp process supervisor systemd port_owner disk memory load cpu swap open_files"
    expected += " command file tls dns unix log"
    assert expected.split() == list(KINDS)


def test_a_log_probe_says_how_many_errors_are_too_many() -> None:
    target = parse(kind="log", path="/var/log/app.log", baseline=["harmless"], window="1M", since="5m", fail=3).target
    assert (target.baseline, target.window, target.since) == (("harmless",), 1024 * 1024, 300.0)
    assert target.levels == Levels(float("inf"), 3)
    (problem,) = problems(kind="log", path="/var/log/app.log")
    assert "from how many errors on" in problem
    (problem,) = problems(kind="log", path="/var/*/app.log", warn=1)
    assert "in the last component only" in problem
    assert len(problems(kind="log", path="/x", warn=5, fail=3)) == 1


def test_a_file_probe_has_sizes_and_ages() -> None:
    target = parse(kind="file", path="/srv/x", max_age={"fail": "1h"}, min_size="1K", max_size="2M").target
    assert (target.max_age, target.min_size, target.max_size) == (Latency(None, 3600.0), 1024, 2 * 1024 * 1024)
    assert len(problems(kind="file", path="/srv/x", min_size="2K", max_size="1K")) == 1
    assert len(problems(kind="file", path="/srv/x", min_size="big")) == 1


def test_what_may_change_something_is_asked_only_if_it_is_said_to_be_harmless() -> None:
    (problem,) = problems(kind="http", url=URL, method="POST")
    assert "POST may change something: say safe: true" in problem
    assert parse(kind="http", url=URL, method="POST", safe="yes").target.method == "POST"
    assert parse(kind="http", url=URL, safe=True).target.method == "GET"
    (problem,) = problems(kind="http", url=URL, safe=False)
    assert "must not be asked again and again" in problem
