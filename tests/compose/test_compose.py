# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which a container lets a service down, and what a recovery makes of it."""

from __future__ import annotations

import os
import signal
import socket
import urllib.request
from typing import Any

import pytest
from containers import Project, run, until


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def only(result: dict[str, Any]) -> dict[str, Any]:
    (service,) = result["services"]
    return dict(service)


def test_a_stopped_service_comes_back_and_is_left_alone_then(project: Project, port: int) -> None:
    web = project.serve("web", port, start=False)
    beside = project.create("beside", "exec sleep 600", start=False)
    entry = project.entry("web", port)
    first = project.recover(web=entry)
    assert (first["changed"], first["recovered"]) == (True, True)
    assert only(first)["before"]["condition"] == "down"
    assert only(first)["action"] == "started"
    life = project.life(web)
    second = project.recover(web=entry)
    assert (second["changed"], second["recovered"], only(second)["message"]) == (False, True, "healthy")
    assert project.life(web) == life
    assert project.told(beside, ".State.Status") == "created"


def test_a_killed_service_has_failed_and_says_how(project: Project, port: int) -> None:
    web = project.serve("web", port)
    until(lambda: answers(port))
    os.kill(int(project.told(web, ".State.Pid")), signal.SIGKILL)
    until(lambda: project.told(web, ".State.Status") == "exited")
    result = project.recover(web=project.entry("web", port))
    assert only(result)["before"]["condition"] == "failed"
    assert "exit code 137" in only(result)["before"]["message"]
    assert result["recovered"] is True


@pytest.mark.parametrize("probe", [None, "tcp"])
def test_a_paused_service_is_hung_and_goes_on_where_it_was(project: Project, port: int, probe: str | None) -> None:
    web = project.serve("web", port)
    until(lambda: answers(port))
    life = project.life(web)
    run(project.engine.name, "pause", web)
    accepts = {"kind": "tcp", "port": port, "timeout": "1s"} if probe else None
    # It is looked at by a recovery, and never stopped.
    result = project.recover(web=project.entry("web", port, accepts, tier="observability"))
    assert only(result)["before"]["condition"] == "hung"
    assert (only(result)["action"], result["recovered"]) == ("started", True)
    assert project.life(web) == life
    assert answers(port)


def test_a_service_that_a_signal_has_stopped_is_restarted(project: Project, port: int) -> None:
    web = project.serve("web", port)
    until(lambda: answers(port))
    life = project.life(web)
    os.kill(int(life[0]), signal.SIGSTOP)
    result = project.recover(web=project.entry("web", port))
    assert only(result)["before"]["condition"] == "hung"
    assert "stopped by a signal" in only(result)["before"]["message"]
    assert (only(result)["action"], result["recovered"]) == ("restarted", True)
    assert project.life(web) != life


def test_a_service_that_is_started_again_and_again_is_in_a_crash_loop(project: Project, port: int) -> None:
    web = project.create("web", "sleep 0.2; exit 7", "--restart", "always", "--network", "none")
    until(lambda: int(project.told(web, ".RestartCount")) >= 2)
    entry = project.entry("web", port, ports=[])
    seen = until(lambda: next(iter([s for s in [only(project.recover("assessed", web=entry))] if _loops(s)]), None))
    assert "restarted" in seen["message"]
    result = project.recover(web=entry)
    assert (result["recovered"], only(result)["condition"]) == (False, "crash_loop")
    assert project.told(web, ".Name").endswith(web)  # it was not removed


def _loops(service: dict[str, Any]) -> bool:
    return bool(service["condition"] == "crash_loop")


def test_of_several_replicas_only_the_missing_one_is_started(project: Project, port: int) -> None:
    first = project.serve("web", port)
    second = project.create("web", "exec sleep 600", "--network", "none", number=2, start=False)
    until(lambda: answers(port))
    life = project.life(first)
    result = project.recover(web=project.entry("web", port))
    assert only(result)["before"]["condition"] == "degraded"
    assert f"1 of 2 containers run; {second}: created" in only(result)["before"]["message"]
    assert (only(result)["action"], result["recovered"]) == ("started", True)
    assert project.life(first) == life
    assert project.told(second, ".State.Status") == "running"


def test_a_stranger_on_the_port_is_foreign_and_not_touched(project: Project, port: int) -> None:
    web = project.serve("web", port, start=False)
    with socket.create_server(("127.0.0.1", port)):
        result = project.recover(web=project.entry("web", port))
    assert only(result)["condition"] == "foreign"
    assert f"pid {os.getpid()}" in only(result)["message"]
    assert project.told(web, ".State.Status") == "created"


def test_a_published_port_is_nobody_elses_when_its_service_is_sick(project: Project, port: int) -> None:
    web = project.serve("web", port)
    until(lambda: answers(port))
    asks = {"kind": "http", "url": f"http://127.0.0.1:{port}/health", "timeout": "1s", "failure_threshold": 1}
    result = project.recover("assessed", web=project.entry("web", port, asks))
    assert only(result)["condition"] == "failing"
    assert [step["step"] for step in result["plan"]] == ["stop", "start", "wait_ready", "verify"]
    assert project.told(web, ".State.Status") == "running"


def test_what_a_one_off_run_left_behind_is_not_started(project: Project, port: int) -> None:
    left = project.create("web", "exit 3", "--label", "com.docker.compose.oneoff=True", "--network", "none", number=9)
    result = project.recover(web=project.entry("web", port))
    assert only(result)["condition"] == "down"
    assert f"no container of service web in project {project.name}" in only(result)["message"]
    assert any("manager.files" in step["message"] for step in result["steps"])
    assert project.told(left, ".State.Status") == "exited"


def test_an_engine_that_is_gone_says_so(project: Project, port: int) -> None:
    entry = project.entry("web", port)
    entry["manager"]["socket"] = f"{project.state_dir}/none"
    result = project.recover("assessed", web=entry)
    assert only(result)["condition"] == "manager_gone"
    assert "does not exist" in only(result)["message"]
