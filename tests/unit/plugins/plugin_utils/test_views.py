# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two views of one service: what is a disagreement, and what it does to a verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError
from ansible_collections.toombos.incident.plugins.plugin_utils._controller_view import KINDS, ask, questions
from ansible_collections.toombos.incident.plugins.plugin_utils._fleet import FleetVerdict
from ansible_collections.toombos.incident.plugins.plugin_utils._views import compare, with_views

CUT_OFF = "look at the network, the proxy or the firewall, a restart will not help"
REFUSED = f"main: passes on the host, refused from the controller: {CUT_OFF}"
MEASURED = "look at what the query measures, the probes on the host do not see it"
MASKED = "users are still served, by a cache or by another instance; find out by whom before you rely on it"


def check(status: str, probe: str = "live", service: str = "main", **more: Any) -> dict[str, Any]:
    reason = "ok" if status == "pass" else "refused"
    return {
        "service": service,
        "probe": probe,
        "kind": "http",
        "status": status,
        "reason": reason,
        "message": "m",
        **more,
    }


def host(condition: str = "healthy", *checks: dict[str, Any]) -> dict[str, Any]:
    service = {"name": "main", "condition": condition, "message": f"is {condition}", "checks": list(checks)}
    return {"services": [service]}


def verdict(status: str = "healthy", **more: Any) -> FleetVerdict:
    empty: dict[str, Any] = {"rows": (), "hosts": ("w1", "w2"), "red": {}, "changed": (), "root_causes": (), "next": ()}
    return FleetVerdict(**{"status": status, "plan_hash": "x", "duration": 1.0, **empty, **more})


@pytest.mark.parametrize(
    ("result", "outside", "sentence"),
    [
        (host("healthy", check("pass")), check("pass"), None),
        (host("healthy", check("warn")), check("pass"), None),
        (host("hung", check("fail")), check("fail"), None),
        (host("hung", check("blocked")), check("unknown"), None),
        (
            host("healthy", check("pass")),
            check("fail"),
            f"main: passes on the host, refused from the controller: {CUT_OFF}",
        ),
        (
            host("healthy", check("warn")),
            check("unknown", reason="no_answer"),
            f"main: passes on the host, no answer from the controller: {CUT_OFF}",
        ),
        # Asked from the controller only: compared with the condition of the service.
        (host(), check("fail", "public"), REFUSED),
        (host("down"), check("fail", "public"), None),
        (
            host("healthy"),
            check("fail", "errors", kind="prometheus", reason="over_limit"),
            f"main: passes on the host, over limit in Prometheus: {MEASURED}",
        ),
        (
            host("bad_config"),
            check("pass", "public"),
            f"main: passes from the controller, bad config on the host: {MASKED}",
        ),
        # Nobody has looked at it on the host.
        ({}, check("fail"), None),
        (None, check("fail"), None),
        (host(), check("fail", service="other"), None),
        (host(), check("fail", service=""), None),
    ],
)
def test_disagreements(result: Any, outside: dict[str, Any], sentence: str | None) -> None:
    assert [each.sentence for each in compare("w1", result, [outside])] == ([sentence] if sentence else [])


@pytest.mark.parametrize(
    ("status", "mode", "after"),
    [
        ("healthy", "recover", "not_recovered"),
        ("recovered", "recover", "not_recovered"),
        ("not_recovered", "recover", "not_recovered"),
        ("healthy", "triage", "triage"),
        ("healthy", "plan_only", "plan_only"),
        ("check_mode", "check_mode", "check_mode"),
    ],
)
def test_what_users_cannot_see_is_not_healthy(status: str, mode: str, after: str) -> None:
    results = {"w1": host("healthy", check("pass")), "w2": host("healthy", check("pass"))}
    outside = {"w1": [check("fail")], "w2": [check("pass")]}
    judged = with_views(verdict(status, next=("Then this.",), notes=("n",)), results, outside, mode)
    sentence = f"main: passes on the host, refused from the controller: {CUT_OFF}"
    assert (judged.status, judged.red) == (after, {"w1": sentence})
    assert judged.next == (f"w1/{sentence}", "Then this.")
    assert judged.notes == ("n", "w1/main/live: pass on the host, fail from the controller (m)")
    (found,) = json.loads(json.dumps(judged.machine()))["disagreements"]
    assert found == {
        "host": "w1",
        "service": "main",
        "probe": "live",
        "on_the_host": "pass",
        "from_the_controller": "fail",
        "kind": "http",
        "reason": "refused",
        "message": "m",
    }


def test_what_the_host_says_of_a_red_one_stays() -> None:
    results = {"w1": host("down", check("fail"))}
    red = {"w1": "main is down"}
    judged = with_views(verdict("not_recovered", red=red), results, {"w1": [check("pass")]}, "recover")
    assert (judged.status, judged.red, len(judged.disagreements)) == ("not_recovered", red, 1)


def test_without_such_probes_the_verdict_is_the_same() -> None:
    assert with_views(verdict(), {"w1": host()}, {}, "recover") == verdict()


def test_hosts_that_nobody_could_judge_are_seen_in_the_notes() -> None:
    outside = {"w1": [check("pass")], "w2": [check("fail", "ssh", ""), check("pass", "port", "")]}
    judged = with_views(verdict(), {"w1": {}, "w2": host()}, outside, "recover")
    assert judged.notes == ("w1/main/live: pass from the controller (m)", "w2/host/ssh: fail from the controller (m)")
    assert (judged.status, judged.disagreements) == ("healthy", ()), "questions about a host decide nothing"


MANAGER = {"kind": "systemd", "unit": "x.service"}


def catalogue(port: int) -> dict[str, Any]:
    tcp = {"kind": "tcp", "port": port, "failure_threshold": 1, "from": "both"}
    return {
        "web": {"manager": MANAGER, "depends_on": ["db"], "probes": {"port": tcp}},
        "db": {"manager": MANAGER, "probes": {"port": tcp, "load": {"kind": "load"}}},
        "mail": {"manager": MANAGER, "probes": {"port": tcp}},
    }


def test_questions_of_a_host_come_in_dependency_order() -> None:
    probes = {"ssh": {"kind": "tcp", "port": 22, "from": "controller"}, "load": {"kind": "load"}}
    asked = questions(catalogue(1), probes)
    assert [(each.service, each.name) for each in asked] == [
        ("", "ssh"),
        ("db", "port"),
        ("web", "port"),
        ("mail", "port"),
    ]
    assert [each.service for each in questions(catalogue(1), {}, ["web"])] == ["db", "web"]
    with pytest.raises(CatalogueError):
        questions({}, {})


def test_a_fleet_is_asked_at_once_and_answers_by_host(peers: Any) -> None:
    good, bad = peers.hang().port, peers.free_port()
    wanted = {"w1": questions(catalogue(good), {}), "w2": questions(catalogue(bad), {}, ["mail"]), "w3": ()}
    checks = ask(wanted, Clock())
    assert list(checks) == ["w1", "w2", "w3"]
    assert [(each["service"], each["status"]) for each in checks["w1"]] == [
        ("db", "pass"),
        ("web", "pass"),
        ("mail", "pass"),
    ]
    assert [(each["service"], each["status"], each["reason"]) for each in checks["w2"]] == [("mail", "fail", "refused")]
    assert checks["w3"] == []
    assert json.loads(json.dumps(checks)) == checks


def test_nothing_wanted_is_nothing_asked() -> None:
    assert ask({}, Clock()) == {}
    assert ask({"w1": ()}, Clock()) == {"w1": []}
    assert "prometheus" in KINDS
