# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module health_check, run as Ansible runs it: arguments in, JSON out."""

from __future__ import annotations

import functools
import json
from typing import Any, Callable

import pytest
import yaml

from ansible_collections.toombos.incident.plugins.modules import health_check

Run = Callable[..., "dict[str, Any]"]
SECRET = "hunter2-geheim"


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]]) -> Run:
    """The module's result."""
    return functools.partial(run_module, health_check)


def service(*probes: dict[str, Any], depends_on: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "manager": {"kind": "systemd", "unit": "x.service"},
        "depends_on": list(depends_on),
        "probes": {f"p{index}": {"period": "10ms", **probe} for index, probe in enumerate(probes)},
    }


@pytest.fixture
def services(peers: Any) -> dict[str, Any]:
    """Db refuses, and both web and api need it; docs is well."""
    refusing = {"kind": "tcp", "port": peers.free_port()}
    well = {"kind": "http", "url": peers.json('{"service": "x"}').url, "headers": {"Authorization": f"Bearer {SECRET}"}}
    return {
        "web": service(refusing, well, depends_on=("api",)),
        "docs": service(well),
        "api": service(refusing, depends_on=("db",)),
        "db": service(refusing),
    }


def names(result: dict[str, Any]) -> list[str]:
    return [f"{check['service']}/{check['probe']}:{check['status']}" for check in result["checks"]]


def test_verdict_of_a_broken_host(run: Run, services: dict[str, Any]) -> None:
    result = run(services=services)
    assert result["failed"] is True
    assert result["changed"] is False
    assert names(result) == ["docs/p0:pass", "db/p0:fail", "api/p0:blocked", "web/p0:blocked", "web/p1:pass"]
    assert result["verdict"]["status"] == "fail"
    assert result["verdict"]["counts"] == {"pass": 2, "warn": 0, "fail": 1, "blocked": 2, "unknown": 0}
    assert [cause["service"] for cause in result["verdict"]["root_causes"]] == ["db"]
    assert result["msg"].startswith("3 of 5 checks fail; root cause: db/p0 refused: nothing listens")


def test_a_check_has_all_its_fields(run: Run, services: dict[str, Any]) -> None:
    check = run(services=services)["checks"][0]
    fields = "service probe kind status reason message observed expected latency attempts retried".split()
    assert sorted(check) == sorted(fields)


def test_the_same_result_without_failing(run: Run, services: dict[str, Any]) -> None:
    result = run(services=services, fail_when_unhealthy=False)
    assert not result.get("failed")
    assert result["verdict"]["status"] == "fail"


def test_check_mode_asks(run: Run, services: dict[str, Any]) -> None:
    assert names(run(check_mode=True, services=services)) == names(run(services=services))


def test_a_healthy_host(run: Run, services: dict[str, Any]) -> None:
    result = run(services={"docs": services["docs"]}, probes={"load": {"kind": "load", "fail": 10000, "warn": 9999}})
    assert not result.get("failed")
    assert names(result) == ["/load:pass", "docs/p0:pass"]
    assert (result["msg"], result["changed"]) == ("all 2 checks pass", False)
    assert result["verdict"]["root_cause"] is None


def test_probes_alone(run: Run, peers: Any) -> None:
    result = run(probes={"a": {"kind": "tcp", "port": peers.free_port(), "failure_threshold": 1}})
    assert (names(result), result["checks"][0]["reason"]) == (["/a:fail"], "refused")


def test_only_asks_also_what_is_needed(run: Run, services: dict[str, Any]) -> None:
    assert names(run(services=services, only=["api"])) == ["db/p0:fail", "api/p0:blocked"]
    assert names(run(services=services, only=["docs"])) == ["docs/p0:pass"]
    assert len(run(services=services, only=[])["checks"]) == 5


def test_waits_until_it_is_well(run: Run, peers: Any) -> None:
    answers = iter([503, 503, 503, 200, 200])

    def behave(connection: Any) -> None:
        connection.recv(65536)
        connection.sendall(f"HTTP/1.1 {next(answers)} X\r\nContent-Length: 0\r\n\r\n".encode())

    probe = {"kind": "http", "url": peers.tcp(behave).url, "period": "10ms"}
    result = run(probes={"a": probe}, wait="60s")
    assert (result["checks"][0]["status"], result["checks"][0]["attempts"]) == ("pass", 4)


def test_waits_no_longer_than_it_may(run: Run, peers: Any) -> None:
    probe = {"kind": "tcp", "port": peers.free_port(), "period": "10ms"}
    for options in ({"wait": "200ms"}, {"wait": "60s", "deadline": "200ms"}):
        result = run(probes={"a": probe}, **options)
        assert result["checks"][0]["reason"] == "refused"
        assert result["checks"][0]["attempts"] > 2


def test_a_deadline_answers_for_what_hangs(run: Run, peers: Any) -> None:
    result = run(probes={"a": {"kind": "http", "url": peers.hang().url, "timeout": "60s"}}, deadline="200ms")
    assert (result["checks"][0]["status"], result["checks"][0]["reason"]) == ("unknown", "deadline")
    assert result["failed"] is True


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "one of the following is required: services, probes"),
        ({"only": ["x"], "probes": {}}, "services"),
        ({"services": {}}, "declares no service"),
        ({"services": {"a": {}}}, "a.manager: is missing"),
        ({"probes": {"a": {"kind": "htp"}}}, "did you mean 'http'"),
        ({"probes": {"a": {"kind": "load"}}, "wait": "soon"}, "'soon' is not a duration"),
        ({"probes": {"a": {"kind": "load"}}, "deadline": "-1"}, "'-1' is not a duration"),
    ],
)
def test_refusals(run: Run, options: dict[str, Any], words: str) -> None:
    result = run(**options)
    assert result["failed"] is True
    assert words in result["msg"]
    assert "checks" not in result


def test_an_unknown_service_names_the_near_one(run: Run, services: dict[str, Any]) -> None:
    result = run(services=services, only=["dcos"])
    assert "unknown service 'dcos'; did you mean 'docs'?" in result["msg"]


def test_secrets_reach_neither_result_nor_log(
    run: Run, services: dict[str, Any], peers: Any, logged: list[str]
) -> None:
    body = json.dumps({"service": "x", "api_key": SECRET})
    probes = {
        "echo": {"kind": "http", "url": peers.json(body, 500).url, "headers": {"X-Token": SECRET}},
        "leak": {"kind": "command", "command": ["sh", "-c", f"echo password={SECRET}; exit 1"], "period": "10ms"},
    }
    result = run(services=services, probes=probes)
    assert SECRET not in json.dumps(result)
    if "invocation" in result:  # ansible-core 2.21 shows it on demand only
        assert result["invocation"]["module_args"]["services"] == ["api", "db", "docs", "web"]
        assert result["invocation"]["module_args"]["probes"] == ["echo", "leak"]
    assert logged
    assert SECRET not in " ".join(logged)
    refused = run(services={"web": {**services["web"], "typo": 1}})
    assert SECRET not in json.dumps(refused)


def test_documentation_and_argument_spec_agree(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    class Caught(Exception):
        pass

    def catch(**options: Any) -> None:
        seen.update(options)
        raise Caught

    monkeypatch.setattr(health_check, "CatalogueModule", catch)
    with pytest.raises(Caught):
        health_check.main()
    documented = yaml.safe_load(health_check.DOCUMENTATION)["options"]
    stripped = {name: {k: v for k, v in option.items() if k != "description"} for name, option in documented.items()}
    assert stripped == seen["argument_spec"]
    assert seen["supports_check_mode"] is True
    for example in yaml.safe_load(health_check.EXAMPLES):
        assert set(example["toombos.incident.health_check"]) <= set(documented)
    assert set(yaml.safe_load(health_check.RETURN)) == {"checks", "verdict", "msg"}
