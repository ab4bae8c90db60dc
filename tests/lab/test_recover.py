# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to break the lab, and the main job against it: recovered with proof, or reported with the cause."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

HEALTHY = {"status": "healthy", "red": [], "changed": [], "root_causes": []}


@dataclass(frozen=True)
class Expected:
    """What the verdict must say: the service that was the cause, and its condition before."""

    service: str
    was: str


RECOVERED = {
    "stop": Expected("main", "down"),
    "kill": Expected("mock_crm", "down"),
    "kill-worker": Expected("mock_crm", "worker_dead"),
    "hang": Expected("main", "hung"),
    "hang-crm": Expected("mock_crm", "hung"),
    "errors": Expected("main", "failing"),
    "orphan": Expected("main", "orphan"),
    "supervisord-gone": Expected("supervisord", "down"),
    "supervisord-and-main-gone": Expected("supervisord", "down"),
    "all-down": Expected("supervisord", "down"),
    "stale-temp": Expected("main", "down"),
}
REPORTED = {
    "foreign": Expected("main", "foreign"),
    # supervisord gives up in the middle of a try or between two.
    "crash-loop": Expected("main", "failed|crash_loop"),
}


@pytest.fixture
def healthy(lab: Any) -> Any:
    """A lab that is healthy before and mended after."""
    yield lab
    lab.mend()


def row(screen: str, service: str) -> list[str]:
    """The cells of a service's line in the verdict's table."""
    table = screen[screen.index("HOST ") :]
    return next(line for line in table.splitlines() if line.split()[1:2] == [service]).split()


@pytest.mark.parametrize("name", RECOVERED)
def test_recovered(healthy: Any, name: str) -> None:
    lab, expected = healthy, RECOVERED[name]
    monitoring = {(process.pid, process.start) for process in lab.of("standin.py")}
    lab.break_(name)

    files, processes = lab.files(), lab.identities()
    rehearsal = lab.play("recover.yml", "--check", "--diff")
    assert (rehearsal.rc, rehearsal.verdict["status"]) == (0, "check_mode")
    assert (lab.files(), lab.identities()) == (files, processes), "check mode writes nothing and touches no process"

    run = lab.play("recover.yml")
    assert (run.rc, run.verdict["status"]) == (0, "recovered"), run.screen
    assert run.verdict["plan_hash"] == rehearsal.verdict["plan_hash"]
    assert expected.was in row(run.screen, expected.service)
    assert [lab.answers(name) for name in lab.ports] == [200] * 7
    assert {(process.pid, process.start) for process in lab.of("standin.py")} == monitoring, "monitoring is not touched"
    assert len(lab.of("uvicorn")) == 1
    assert len(lab.of("mocks/crm_service.py")) == 2

    again = lab.play("recover.yml")
    assert again.rc == 0
    assert {key: again.verdict[key] for key in HEALTHY} == HEALTHY
    assert "changed=1" not in again.screen
    assert "nothing was wrong" in again.screen


@pytest.mark.parametrize("name", REPORTED)
def test_reported(healthy: Any, name: str) -> None:
    lab, expected = healthy, REPORTED[name]
    lab.break_(name)
    run = lab.play("recover.yml")
    assert (run.rc, run.verdict["status"], run.verdict["red"]) == (2, "not_recovered", ["lab"]), run.screen
    (cause,) = run.verdict["root_causes"]
    assert cause["service"] == expected.service
    assert cause["condition"] in expected.was.split("|")
    assert "Next:" in run.screen
    others = [lab.answers(name) for name in lab.ports if name != "main"]
    assert others == [200] * 6


def test_a_foreign_process_is_named_and_lives_on(healthy: Any) -> None:
    healthy.break_("foreign")
    (process,) = healthy.of("http.server")
    run = healthy.play("recover.yml", "-e", "force=true", "-e", "reason='to see that it is not killed'")
    assert run.rc == 2
    assert f"pid {process.pid}" in run.verdict["root_causes"][0]["message"]
    assert healthy.of("http.server") == [process]


def test_a_rejected_configuration_is_explained_without_its_secrets_and_not_restarted_into(healthy: Any) -> None:
    healthy.break_("bad-env")
    run = healthy.play("recover.yml", "-e", json.dumps({"incident_policy": {"ladder": ["restart"]}}))
    assert (run.rc, run.verdict["status"], run.verdict["red"]) == (2, "not_recovered", ["lab"]), run.screen
    assert "METRICS_PORT" in run.verdict["root_causes"][0]["message"]
    assert "lab-only-0123456789abcdef" not in run.screen
    assert run.verdict["changed"] == []


def test_what_dies_at_every_start_is_tried_twice_and_explained(healthy: Any) -> None:
    healthy.break_("crash-loop")
    run = healthy.play("recover.yml")
    assert "2 attempts" in run.screen
    assert "content_pipeline" in run.screen
    assert "Escalate" in run.screen


@pytest.mark.parametrize("force", ["true", "false"])
def test_what_serves_for_a_moment_and_dies_is_not_recovered(healthy: Any, force: str) -> None:
    healthy.break_("crash-late")
    policy = {"incident_policy": {"stable_for": "6s"}}
    wishes = {**policy, "svc": "main", "force": force, "reason": "it comes and goes"}
    others = {(process.pid, process.start) for process in healthy.of("mocks/")}
    run = healthy.play("recover.yml", "-e", json.dumps(wishes))
    assert {(process.pid, process.start) for process in healthy.of("mocks/")} == others, "what it needs is not forced"
    assert run.rc == 2, run.screen
    (cause,) = run.verdict["root_causes"]
    assert (cause["service"], cause["condition"]) == ("main", "crash_loop")


def test_main_that_was_killed_comes_back_once_whoever_is_faster(healthy: Any) -> None:
    healthy.break_("kill-main")
    run = healthy.play("recover.yml")
    assert run.rc == 0, run.screen
    assert len(healthy.of("uvicorn")) == 1


def test_temporary_files_go_and_what_a_link_among_them_points_to_stays(healthy: Any) -> None:
    healthy.break_("stale-temp")
    run = healthy.play("recover.yml")
    assert run.rc == 0, run.screen
    assert not (healthy.home / "tmp" / "halcytone-work").exists()
    assert (healthy.home / "precious" / "keep").read_text() == "keep"


def test_logs_are_appended_to(healthy: Any) -> None:
    log = healthy.app / "logs" / "crm-mock.log"
    before = log.read_bytes()
    healthy.break_("kill")
    healthy.play("recover.yml")
    after = log.read_bytes()
    assert after.startswith(before)
    assert len(after) > len(before)


def test_plan_only_prints_the_plan_and_changes_nothing(healthy: Any) -> None:
    healthy.break_("hang")
    files, processes = healthy.files(), healthy.identities()
    run = healthy.play("recover.yml", "-e", "plan=only")
    assert (run.rc, run.verdict["status"]) == (0, "plan_only")
    assert (healthy.files(), healthy.identities()) == (files, processes)
    steps = re.findall(r"^  (\d\. \w+(?: main)?)", run.screen, re.MULTILINE)
    assert steps == ["1. stop main", "2. start main", "3. wait_ready main", "4. verify"]


def test_triage_shows_everything_and_changes_nothing(healthy: Any) -> None:
    healthy.break_("errors")
    files, processes = healthy.files(), healthy.identities()
    run = healthy.play("triage.yml")
    assert (run.rc, run.verdict["status"], run.verdict["red"]) == (0, "triage", ["lab"])
    assert (healthy.files(), healthy.identities()) == (files, processes)
    assert "bad_status" in run.screen
    assert healthy.play("triage.yml", "-e", "fail=true").rc == 2


def test_one_service_and_what_it_needs(healthy: Any) -> None:
    healthy.break_("hang-crm")
    healthy.break_("stop")
    run = healthy.play("recover.yml", "-e", "svc=mock_crm")
    assert run.rc == 0, run.screen
    assert healthy.answers("crm") == 200
    assert healthy.answers("main") == 0, "what was not asked for is left alone"
