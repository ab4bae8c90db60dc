# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rung comes next, and what of two results is left to be seen."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._options import CONFIG_ROLLBACK
from ansible_collections.toombos.incident.plugins.plugin_utils._confirm import confirmed, waits
from ansible_collections.toombos.incident.plugins.plugin_utils._ladder import (
    code_due,
    may_climb,
    to_prove,
    with_defaults,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._rungs import helped, together

DUE = {"ladder": [{"step": "roll_back_config", "service": "main", "reason": "to main-000007"}]}
ASKED: dict[str, Any] = {"state": "recovered", "ladder": ["restart", "config_rollback"], "approved_plan": []}


@pytest.mark.parametrize(
    ("result", "asked", "names"),
    [
        (DUE, {}, ["main"]),
        ({}, {}, []),
        (DUE, {"ladder": ["restart"]}, []),
        (DUE, {"state": "assessed"}, []),
        ({**DUE, "unreachable": True}, {}, []),
        (DUE, {"approved_plan": [{"step": "start", "service": "main"}]}, []),
        (DUE, {"approved_plan": [{"step": "roll_back_config", "service": "other"}]}, []),
        (DUE, {"approved_plan": [{"step": "roll_back_config", "service": "main"}]}, ["main"]),
        ({**DUE, "failed": True}, {}, ["main"]),
    ],
)
def test_the_next_rung(result: Any, asked: Any, names: list[str]) -> None:
    assert may_climb(result, {**ASKED, **asked}) == names


@pytest.mark.parametrize(
    ("result", "promote", "names"),
    [
        ({"verdict": {"status": "healthy"}, "unproven": ["main"]}, True, ["main"]),
        ({"verdict": {"status": "healthy"}, "unproven": ["main"]}, False, []),
        ({"verdict": {"status": "unhealthy"}, "unproven": ["main"]}, True, []),
        ({"verdict": {"status": "healthy"}, "unproven": ["main"], "failed": True}, True, []),
        ({"unreachable": True}, True, []),
    ],
)
def test_what_is_proven(result: Any, promote: bool, names: list[str]) -> None:
    assert to_prove(result, {"promote": promote}) == names


CODE = {"kind": "git", "path": "/opt/app"}
SERVICES = {
    "main": {"manager": {"cwd": "/opt/app"}},
    "worker": {"manager": {"cwd": "/opt/app/w"}},
    "db": {"manager": {}},
}
SICK = [{"name": "main", "condition": "failing", "attempts": 2}]


@pytest.mark.parametrize(
    ("result", "asked", "names"),
    [
        ({"services": SICK}, {}, ["main"]),
        ({"services": [{**SICK[0], "name": "worker"}]}, {}, ["worker"]),
        ({"services": [{**SICK[0], "name": "db"}]}, {}, []),
        ({"services": [{**SICK[0], "attempts": 0}]}, {}, []),
        ({"services": [{**SICK[0], "attempts": 0}], "outcome": "rolled_back"}, {}, ["main"]),
        ({"services": [{**SICK[0], "condition": "foreign"}]}, {}, []),
        ({"services": [{**SICK[0], "condition": "bad_config"}]}, {}, []),
        ({"services": [{**SICK[0], "condition": "healthy"}]}, {}, []),
        ({"services": SICK, "recovered": True}, {}, []),
        ({"services": SICK, "unreachable": True}, {}, []),
        ({"services": SICK}, {"code": {}}, []),
        ({"services": SICK}, {"ladder": ["restart", "config_rollback"]}, []),
        ({"services": SICK}, {"approved_plan": [{"step": "start", "service": "main"}]}, []),
        ({"services": SICK}, {"state": "assessed"}, []),
    ],
)
def test_when_code_is_rolled_back(result: Any, asked: Any, names: list[str]) -> None:
    options = {**ASKED, "ladder": ["restart", "config_rollback", "code_rollback"], "code": CODE, "services": SERVICES}
    assert code_due(result, {**options, **asked}) == names


def test_a_rung_has_all_options_of_its_module_and_shares_what_holds_for_the_run() -> None:
    options = {"services": {"main": {}}, "owner": "alice", "state": "recovered", "stable_for": "9s", "reason": ""}
    given = with_defaults(CONFIG_ROLLBACK, options, {"only": ["main"], "reason": "why"})
    assert set(given) == set(CONFIG_ROLLBACK["argument_spec"])
    shown = {key: given[key] for key in ("services", "owner", "stable_for", "reason", "only", "state", "to")}
    assert shown == {
        "services": {"main": {}},
        "owner": "alice",
        "stable_for": "9s",
        "reason": "why",
        "only": ["main"],
        "state": "confirmed",
        "to": "last_known_good",
    }


def service(name: str, condition: str, action: str = "none", was: str = "healthy", **more: Any) -> dict[str, Any]:
    return {"name": name, "condition": condition, "action": action, "before": {"condition": was}, **more}


PRIOR = {
    "changed": True,
    "recovered": False,
    "services": [service("crm", "healthy", "started", "down", attempts=1), service("main", "bad_config", "refused")],
    "steps": [1],
    "overrides": ["a"],
    "msg": "1 is sick",
}
APPLIED = {
    "outcome": "applied",
    "token": "t0",
    "until": "noon",
    "changed": True,
    "recovered": True,
    "generations": {"main": {"to": "main-000001"}},
    "services": [service("crm", "healthy"), service("main", "healthy", "started", "bad_config", attempts=1)],
    "steps": [2],
    "msg": "applied: main",
}


def test_both_results_are_seen_as_one() -> None:
    result = together(APPLIED, PRIOR, "config")
    seen = {
        each["name"]: (each["before"]["condition"], each["action"], each["condition"]) for each in result["services"]
    }
    assert seen == {
        "crm": ("down", "started", "healthy"),
        "main": ("healthy", "configuration rolled back", "healthy"),
    }
    assert (result["steps"], result["overrides"], result["changed"], result["recovered"]) == ([1, 2], ["a"], True, True)


def test_the_look_after_a_rung_has_the_last_word_and_what_was_done_is_kept() -> None:
    rung = together(APPLIED, PRIOR, "config")
    last = {
        "recovered": False,
        "failed": True,
        "msg": "db is down",
        "services": [service("main", "healthy"), service("db", "down")],
    }
    result = together(last, rung)
    assert (result["recovered"], result["failed"], result["msg"]) == (False, True, "db is down")
    assert {each["name"]: each["action"] for each in result["services"]} == {
        "main": "configuration rolled back",
        "db": "none",
        "crm": "started",
    }
    assert (result["outcome"], result["generations"]) == ("applied", {"main": {"to": "main-000001"}})
    assert helped(APPLIED)
    assert not helped(last)
    code = together({**APPLIED, "outcome": "rolled_back", "generations": None, "only": ["main"]}, PRIOR, "code")
    assert next(each["action"] for each in code["services"] if each["name"] == "main") == "code rolled back and undone"


@pytest.mark.parametrize("found", ["crash_loop", "starting", "down"])
def test_a_look_after_nothing_was_done_does_not_hide_what_was_tried(found: str) -> None:
    tried = service("main", "crash_loop", "restarted", attempts=2, next="Escalate", message="it dies")
    seen = {"failed": True, "services": [service("main", found, attempts=0, next="Read its log", message="failed")]}
    prior = {"services": [tried], "verdict": {"root_causes": ["crash_loop"]}, "msg": "it dies"}
    looked = {**seen, "outcome": "unchanged", "verdict": {"root_causes": [found]}, "msg": "a look"}
    result = together(looked, prior, "config")
    (entry,) = result["services"]
    assert (result["verdict"], result["msg"], result["failed"]) == (prior["verdict"], prior["msg"], True)
    shown = {key: entry[key] for key in ("condition", "action", "attempts", "next", "message")}
    assert shown == {
        "condition": "crash_loop",
        "action": "restarted",
        "attempts": 2,
        "next": "Escalate",
        "message": "it dies",
    }


@pytest.mark.parametrize(
    ("was", "found", "outcome"),
    [("crash_loop", "healthy", "unchanged"), ("healthy", "down", "unchanged"), ("bad_config", "down", "rolled_back")],
)
def test_a_look_that_finds_better_or_worse_is_believed(was: str, found: str, outcome: str) -> None:
    tried = service("main", was, "restarted", message="before")
    seen = {"failed": True, "services": [service("main", found, message="now")], "outcome": outcome, "only": ["main"]}
    prior = {"services": [tried], "verdict": "before"}
    result = together({**seen, "verdict": "now"}, prior, "config")
    assert result["verdict"] == "now"
    (entry,) = result["services"]
    assert (entry["condition"], entry["message"]) == (found, "now")


def test_a_rollback_that_was_refused_leaves_what_was_found_before() -> None:
    result = together({"failed": True, "msg": "frozen"}, PRIOR, "config")
    assert (result["failed"], result["recovered"], result["changed"]) == (True, False, True)
    assert [each["name"] for each in result["services"]] == ["crm", "main"]
    assert result["msg"] == "1 is sick; its configuration was not rolled back: frozen"
    assert together(APPLIED, {}) == APPLIED


@pytest.mark.parametrize(
    ("said", "outcome", "failed", "words"),
    [
        ({"outcome": "confirmed", "recovered": True, "msg": "ok"}, "confirmed", False, "ok"),
        ({"outcome": "rolled_back", "failed": True, "msg": "main is sick"}, "rolled_back", True, "main is sick."),
        ({"unreachable": True, "msg": "no route"}, "applied", True, "The host goes back by itself at noon."),
        ({"failed": True, "msg": "same connection", "outcome": "applied"}, "applied", True, "same connection."),
        ({}, "applied", True, "there was no answer"),
        ({"outcome": "confirmed", "failed": True, "msg": "?"}, "confirmed", True, "not confirmed: ?"),
    ],
)
def test_anything_but_a_confirmation_fails(said: Any, outcome: str, failed: bool, words: str) -> None:
    assert waits(APPLIED)
    result = confirmed(APPLIED, said)
    assert (result["outcome"], bool(result.get("failed"))) == (outcome, failed)
    assert result["recovered"] is not failed
    assert words in result["msg"]
    assert not failed or not result["recovered"]


@pytest.mark.parametrize(
    "result", [{}, {"outcome": "unchanged"}, {**APPLIED, "failed": True}, {**APPLIED, "token": ""}]
)
def test_what_does_not_wait_is_not_confirmed(result: Any) -> None:
    assert not waits(result)
