# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A health check on a host without jmespath, completed by a controller that has it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.modules.health_check import check
from ansible_collections.toombos.incident.plugins.plugin_utils._completion.health import complete_health

STUCK = "length(items[?state == 'stuck'])"
OPTIONS = {"services": None, "probes": None, "only": None, "wait": None, "deadline": "20s", "stable_for": None}


@pytest.fixture
def ask(without_jmespath: Any) -> Any:
    """What the host says, and what the task's result is."""

    def both(**options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        params = {**OPTIONS, "fail_when_unhealthy": True, **options}
        said = without_jmespath(check, params, defers=True)
        return said, complete_health(said, params)

    return both


def service(probe: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"manager": {"kind": "systemd", "unit": "x.service"}, "probes": {"up": probe}, **more}


def test_a_condition_that_holds(ask: Any, server: Any) -> None:
    said, result = ask(services={"web": service(server.probe(STUCK, 1))})
    assert (said["checks"][0]["status"], said["checks"][0]["reason"]) == ("pass", "pending")
    (done,) = result["checks"]
    assert (done["status"], done["reason"], done["message"]) == ("pass", "ok", "status 200")
    assert (done["observed"], result["verdict"]["status"], result.get("failed")) == ({"status": 200}, "pass", None)
    assert "kept at home" not in json.dumps(result), "the body does not stay"
    assert server.asked == 1, "the host asks once, as of anything that is good"


def test_a_condition_that_does_not_hold_fails_in_the_words_of_a_host(ask: Any, server: Any) -> None:
    services = {
        "web": service(server.probe(STUCK, 0)),
        "shop": service({"kind": "tcp", "port": 1, "period": "100ms"}, depends_on=["web"]),
    }
    with_library = check({**OPTIONS, "services": services})
    _said, result = ask(services=services)
    done, blocked = result["checks"]
    assert (done["status"], done["reason"], done["message"]) == ("fail", "bad_body", f"{STUCK} is 1, not 0")
    assert done["observed"] == {"status": 200, "jmespath": {STUCK: 1}}
    assert blocked["status"] == "blocked", "by what only the controller has seen"
    assert (result["failed"], result["verdict"]) == (True, with_library["verdict"])
    assert result["msg"] == with_library["msg"]
    assert "kept at home" not in json.dumps(result)


def test_who_wants_no_failure_gets_a_verdict(ask: Any, server: Any) -> None:
    _said, result = ask(probes={"up": server.probe(STUCK, 0)}, fail_when_unhealthy=False)
    assert (result.get("failed"), result["verdict"]["status"]) == (None, "fail")


def test_a_controller_without_jmespath_says_the_way_out(ask: Any, server: Any, without_jmespath: Any) -> None:
    params = {**OPTIONS, "services": {"web": service(server.probe(STUCK, 1))}, "fail_when_unhealthy": True}
    said, _result = ask(**params)
    result = without_jmespath(complete_health, said, params)
    (done,) = result["checks"]
    assert (done["status"], done["reason"], result["failed"]) == ("fail", "cannot_run", True)
    assert "neither on the host nor on the controller: install python3-jmespath" in done["message"]
    assert "kept at home" not in json.dumps(result)


def test_what_fails_anyway_is_not_sent(ask: Any, server: Any) -> None:
    server.status = 503
    said, result = ask(services={"web": service(server.probe(STUCK, 1))})
    assert said == result
    assert result["checks"][0]["reason"] == "bad_status"


def test_a_warning_stays_one(ask: Any, server: Any) -> None:
    server.delay = 0.05
    slow = server.probe(STUCK, 1, latency={"warn": "20ms"})
    _said, result = ask(services={"web": service(slow)})
    (done,) = result["checks"]
    assert (done["status"], done["reason"]) == ("warn", "slow")
    assert done["message"].startswith("status 200, after")
    _said, result = ask(services={"web": service(server.probe(STUCK, 0, latency={"warn": "20ms"}))})
    assert result["checks"][0]["reason"] == "bad_body"


def test_secrets_do_not_travel_and_nobody_judges_by_their_masks(ask: Any, server: Any) -> None:
    server.body = {"token": "geheim-geheim-123", "items": [1, 2]}
    said, result = ask(services={"web": service(server.probe("token", "geheim-geheim-123"))})
    assert "geheim-geheim" not in json.dumps(said["checks"][0]["observed"])
    assert result["checks"][0]["reason"] == "cannot_run"
    assert "look like secrets and did not leave the host" in result["checks"][0]["message"]
    _said, result = ask(services={"web": service(server.probe("length(items)", 2))})
    assert result["checks"][0]["status"] == "pass"


def test_a_body_that_is_too_large_stays_at_home(ask: Any, server: Any) -> None:
    server.body = {"items": ["x" * 100] * 1000}
    said, result = ask(services={"web": service(server.probe("length(items)", 1000))})
    assert said == result
    assert (result["checks"][0]["reason"], len(json.dumps(said)) < 5000) == ("cannot_run", True)
    assert "more than 65536 bytes" in result["checks"][0]["message"]


def test_a_host_that_nobody_completes_says_so_itself(server: Any, without_jmespath: Any) -> None:
    result = without_jmespath(check, {**OPTIONS, "probes": {"up": server.probe(STUCK, 1)}})
    assert result["checks"][0]["reason"] == "cannot_run"
    assert "install python3-jmespath there" in result["checks"][0]["message"]


def test_what_turns_red_while_it_is_watched_is_not_judged_by_an_old_answer(ask: Any, server: Any) -> None:
    probe = server.probe(STUCK, 1, success_threshold=5000, period="10ms")
    _said, result = ask(services={"web": service(probe)}, deadline="500ms")
    (done,) = result["checks"]
    assert (done["status"], done["reason"]) == ("unknown", "deadline")
    assert "pending" not in (done["observed"] or {})


def test_it_waits_for_what_the_host_can_judge(ask: Any, server: Any) -> None:
    _said, result = ask(services={"web": service(server.probe(STUCK, 1))}, wait="20s", stable_for="300ms")
    assert (result["checks"][0]["status"], result["checks"][0]["message"]) == ("pass", "status 200")
