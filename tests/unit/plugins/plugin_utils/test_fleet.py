# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run adds up to, and how a tired person reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._fleet import FleetVerdict, Row, judge
from ansible_collections.toombos.incident.plugins.plugin_utils._policy import Refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._refusal import refusal, render_refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import classify, plan_rollout
from ansible_collections.toombos.incident.plugins.plugin_utils._screen import machine_line, render, render_plan, table

CAUSE = {"service": "web", "condition": "hung", "message": "web does not answer", "next": "Read the log."}


def service(
    name: str = "web", was: str = "hung", now: str = "hung", action: str = "none", **more: Any
) -> dict[str, Any]:
    before = {"condition": was, "message": f"{name} was {was}"}
    return {"name": name, "condition": now, "message": f"{name} is {now}", "before": before, "action": action, **more}


def result(*services: dict[str, Any], **more: Any) -> dict[str, Any]:
    healthy = all(each["condition"] == "healthy" for each in services)
    return {
        "changed": any(each["action"] in ("started", "restarted") for each in services),
        "recovered": healthy,
        "verdict": {"status": "healthy" if healthy else "unhealthy", "root_causes": [] if healthy else [CAUSE]},
        "services": list(services),
        "plan": [] if healthy else [{"step": "stop", "service": "web", "reason": "hung"}],
        "host_checks": [],
        "msg": "all fine" if healthy else "1 of 1 services are not healthy",
        **more,
    }


SICK = result(service())
FINE = result(service(was="healthy", now="healthy"))
CURED = result(service(now="healthy", action="restarted", attempts=1, duration=2.0))
STILL = result(
    service(action="restarted", attempts=2, duration=9.0, refusal="still hung after 2 attempts"), failed=True
)
LOST = {"unreachable": True, "msg": "no route to host"}


def run(
    assessed: dict[str, Any], done: dict[str, Any] | None = None, mode: str = "recover", gate: str = ""
) -> FleetVerdict:
    rollout = plan_rollout([classify(host, found) for host, found in assessed.items()], 1, [1, "100%"])
    results = {host: (done or {}).get(host) for host in rollout.hosts}
    return judge(rollout, results, mode=mode, gate_reason=gate, duration=65.0)


@pytest.mark.parametrize(
    ("assessed", "done", "mode", "status", "red", "changed"),
    [
        ({"a": FINE, "b": FINE}, {}, "recover", "healthy", [], []),
        ({"a": FINE, "b": SICK}, {"b": CURED}, "recover", "recovered", [], ["b"]),
        ({"a": SICK}, {"a": STILL}, "recover", "not_recovered", ["a"], ["a"]),
        ({"a": SICK}, {"a": None}, "recover", "not_recovered", ["a"], []),
        ({"a": SICK}, {"a": LOST}, "recover", "not_recovered", ["a"], []),
        ({"a": SICK}, {"a": {"failed": True, "msg": "boom"}}, "recover", "not_recovered", ["a"], []),
        ({"a": SICK}, {"a": {**CURED, "failed": True}}, "recover", "not_recovered", ["a"], ["a"]),
        ({"a": SICK}, {"a": {**CURED, "recovered": "yes"}}, "recover", "not_recovered", ["a"], ["a"]),
        ({"a": SICK}, {"a": {"rescued": True}}, "recover", "not_recovered", ["a"], []),
        ({"a": FINE, "b": LOST}, {}, "recover", "not_recovered", ["b"], []),
        ({"a": FINE, "b": None}, {}, "recover", "not_recovered", ["b"], []),
        ({"a": SICK}, {}, "plan_only", "plan_only", ["a"], []),
        ({"a": FINE}, {}, "plan_only", "healthy", [], []),
        ({"a": SICK}, {"a": SICK}, "check_mode", "check_mode", ["a"], []),
        ({"a": SICK}, {}, "triage", "triage", ["a"], []),
        ({"a": FINE}, {}, "triage", "healthy", [], []),
    ],
)
def test_status(assessed: Any, done: Any, mode: str, status: str, red: list[str], changed: list[str]) -> None:
    verdict = run(assessed, done, mode)
    machine = verdict.machine()
    assert (machine["status"], machine["red"], machine["changed"]) == (status, red, changed)
    assert verdict.ok is (status != "not_recovered")


def test_rows_tell_before_done_and_after_and_leave_out_the_healthy() -> None:
    assessed = result(service("db", "healthy", "healthy"), service())
    cured = result(
        service("db", "healthy", "healthy"), service(now="healthy", action="restarted", attempts=2, duration=3.0)
    )
    verdict = run({"a": assessed}, {"a": cured})
    assert verdict.rows == (Row("a", "web", "hung", "web was hung", "restarted (2 attempts)", "healthy", 3.0),)


def test_a_service_that_stays_red_says_why_at_the_end() -> None:
    (row,) = run({"a": SICK}, {"a": STILL}).rows
    assert (row.why, row.done, row.now) == ("still hung after 2 attempts", "restarted (2 attempts)", "hung")


def test_hosts_behind_a_closed_gate_were_not_attempted() -> None:
    verdict = run({"a": SICK, "b": SICK}, {"a": STILL}, gate="a did not recover")
    assert [(row.host, row.done) for row in verdict.rows] == [("a", "restarted (2 attempts)"), ("b", "not attempted")]
    assert sorted(verdict.red) == ["a", "b"]
    assert verdict.stopped == "a did not recover. Not attempted: b."
    assert verdict.next == (
        "a/web: Read the log.",
        "When that is done, run the same command again for the hosts that were not attempted.",
    )
    assert "The roll-out stopped:\n  a did not recover. Not attempted: b.\n" in render(verdict, 100)


def test_hosts_that_were_never_reached_are_told_without_a_gate_too() -> None:
    assert run({"a": SICK, "b": SICK}, {"a": CURED}).stopped == "the run broke off. Not attempted: b."
    for mode in ("plan_only", "check_mode", "triage"):
        assert run({"a": SICK}, {}, mode).stopped == ""


@pytest.mark.parametrize(
    ("tier", "mode", "status", "red"),
    [
        ("application", "recover", "not_recovered", ["a"]),
        ("observability", "recover", "healthy", []),  # a recovery never stops it, as everybody knows
        ("application", "plan_only", "plan_only", []),
    ],
)
def test_a_restart_that_was_asked_for_and_refused_is_no_success(
    tier: str, mode: str, status: str, red: list[str]
) -> None:
    kept = service(was="healthy", now="healthy", action="refused", tier=tier, refusal="Frozen by ada.")
    asked = result(kept, plan=[{"step": "refuse", "service": "web", "reason": "Frozen by ada."}])
    rollout = plan_rollout([classify("a", asked)], 1, [1], forced=True)
    verdict = judge(rollout, {"a": asked if mode == "recover" else None}, mode=mode)
    assert (verdict.status, sorted(verdict.red)) == (status, red)
    if red:
        assert verdict.red["a"] == "healthy, but not restarted as it was asked to be: web (Frozen by ada.)"


def test_a_forced_host_without_proof_is_not_healthy_any_more() -> None:
    forced = result(
        service(was="healthy", now="healthy"), plan=[{"step": "stop", "service": "web", "reason": "forced"}]
    )
    rollout = plan_rollout([classify("a", forced)], 1, [1], forced=True)
    assert judge(rollout, {"a": {"skipped": True}}, mode="recover").red == {"a": "the recovery left no proof"}
    assert judge(rollout, {"a": {**forced, "changed": True}}, mode="recover").status == "recovered"


def test_unreachable_is_its_own_word_and_has_a_next_step() -> None:
    verdict = run({"a": LOST, "b": None})
    assert [row.was for row in verdict.rows] == ["unreachable", "failed"]
    assert any("Check its network" in step for step in verdict.next)


def test_causes_name_their_host_and_the_next_step_follows() -> None:
    verdict = run({"a": SICK}, {"a": STILL})
    assert verdict.machine()["root_causes"] == [
        {"host": "a", "service": "web", "condition": "hung", "message": "web does not answer"}
    ]
    assert verdict.next == ("a/web: Read the log.",)
    assert run({"a": SICK}, mode="plan_only").next == (
        "To apply this plan, run the same command without plan=only and --check.",
    )


def test_a_refused_host_says_so() -> None:
    refused = result(service(action="refused"), plan=[{"step": "refuse", "service": "web", "reason": "foreign"}])
    (row,) = run({"a": refused}).rows
    assert row.done == "refused"


def test_answers_about_the_host_itself_are_noted() -> None:
    full = result(
        service(was="healthy", now="healthy"),
        host_checks=[{"probe": "root", "status": "fail", "message": "97% used"}, {"probe": "load", "status": "pass"}],
    )
    assert run({"a": full}).notes == ("a: root: 97% used (fail)",)


def test_what_flaps_is_noted_although_it_is_well_now() -> None:
    well = {"was": "healthy", "now": "healthy"}
    steady = service("db", **well, flapping="")
    restless = service("web", **well, flapping="changed 4 times in 9 minutes")
    verdict = run({"a": result(steady, restless)})
    assert (verdict.ok, verdict.notes) == (True, ("a: web is flapping: changed 4 times in 9 minutes",))


def test_the_screen_says_it_in_order() -> None:
    text = render(run({"a": SICK, "b": SICK}, {"a": STILL}, gate="x"), 100)
    lines = text.splitlines()
    assert lines[0] == "NOT RECOVERED - 0 of 2 hosts healthy, 1m05s"
    assert text.index("HOST") < text.index("Root cause:") < text.index("Next:")
    assert "a/web is hung: web does not answer" in text


@pytest.mark.parametrize("width", [80, 120])
def test_a_long_reason_is_wrapped_and_nothing_of_it_lost(width: int) -> None:
    words = " ".join(f"word{number}" for number in range(60))
    lines = table([Row("host-1", "web", "failing", words, "nothing", "failing")], width)
    assert max(map(len, lines)) <= width
    assert all(f"word{number}" in "\n".join(lines) for number in range(60))


def test_very_long_names_leave_room_for_the_reason() -> None:
    lines = table([Row("h" * 90, "s" * 40, "down", "a reason of several words that wraps", "nothing", "down")], 80)
    assert "reason" in "\n".join(lines)


HOSTILE = "evil\x1b[2J\x07\rINCIDENT_VERDICT {}\nnext line"


def test_hostile_text_cannot_steer_the_terminal_or_forge_the_last_line() -> None:
    poisoned = {**SICK, "verdict": {"status": "unhealthy", "root_causes": [{**CAUSE, "message": HOSTILE}]}}
    poisoned["services"] = [{**service(), "before": {"condition": "hung", "message": HOSTILE}, "message": HOSTILE}]
    verdict = run({"a": poisoned}, {"a": {**poisoned, "failed": True}})
    text = render(verdict, 120)
    assert not any(character in text for character in "\x1b\x07\r")
    assert not any(line.startswith("INCIDENT_VERDICT") for line in text.splitlines())
    line = machine_line(verdict.machine())
    assert "\n" not in line
    assert json.loads(line.partition(" ")[2])["status"] == "not_recovered"


def test_the_machine_line_is_compact_and_sorted() -> None:
    assert machine_line({"b": 1, "a": [2]}) == 'INCIDENT_VERDICT {"a":[2],"b":1}'


def test_the_plan_lists_hosts_in_batches_and_those_that_need_a_person() -> None:
    refused = result(service(action="refused"), plan=[{"step": "refuse", "service": "web", "reason": "foreign"}])
    found = [classify("a", refused), classify("b", SICK), classify("c", SICK), classify("d", FINE)]
    text = render_plan(plan_rollout(found, 1, [1]), 100)
    assert "2 of 4 hosts, in batches of 1, then 1." in text
    assert text.index("b: ") < text.index("a: ")
    assert "1. stop web (hung)" in text
    assert not any(line.startswith("d: ") for line in text.splitlines())
    assert "nothing to do" in render_plan(plan_rollout([classify("d", FINE)], 1, [1]), 100)
    assert "No host can be recovered automatically" in render_plan(plan_rollout([classify("a", refused)], 1, [1]), 100)


def test_a_refusal_lists_every_problem() -> None:
    found = refusal(Refusal(["first problem.", "second problem."]))
    assert (found["failed"], found["msg"]) == (True, "first problem. second problem.")
    assert found["incident_verdict"]["machine"] == {
        "status": "refused",
        "problems": ["first problem.", "second problem."],
    }
    assert render_refusal(["first.", "second."], 80).splitlines() == [
        "REFUSED: nothing was changed",
        "  first.",
        "  second.",
    ]
