# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner itself: what it starts, how it ends it, and what it says at the end."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent.parent / "tools"


@pytest.fixture
def run(tmp_path: Path):
    """Run stages written as TOML; returns exit code and lines."""

    def _run(stages: str, *names: str) -> tuple[int, list[str]]:
        tools = tmp_path / "tools"
        tools.mkdir()
        for name in ("run_stages.py", "stage_causes.py", "stage_counts.py", "mirror.py"):
            (tools / name).write_text((TOOLS / name).read_text())
        (tools / "stages.toml").write_text(stages)
        command = [sys.executable, str(tools / "run_stages.py"), *(names or ("all",))]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout.splitlines()

    return _run


def stage(name: str, command: str, counts: str = "command", **more: object) -> str:
    """One entry; ``more`` holds TOML values as they are written."""
    rest = "".join(f"{key} = {value}\n" for key, value in more.items())
    return f"[[stage]]\nname = {name!r}\ngroup = 'g-{name}'\nrun = {command!r}\ncounts = {counts!r}\n{rest}\n"


def test_sums_up_and_closes_with_one_line(run) -> None:
    rc, lines = run(stage("one", "echo 4 passed in 1.0s", "pytest") + stage("two", "true"))
    assert rc == 0
    assert lines[-1] == "5 passed, 0 failed"


def test_a_failure_is_shown_at_the_end(run) -> None:
    rc, lines = run(stage("bad", "echo the reason; false") + stage("good", "true"))
    assert rc == 1
    assert "the reason" in lines[lines.index(next(line for line in lines if line.startswith("----- bad failed"))) :]
    assert lines[-1] == "1 passed, 1 failed"


def test_the_cause_is_shown_before_an_end_that_only_cleans_up(run) -> None:
    rc, lines = run(stage("bad", "echo 'fatal: [one]: FAILED! => the cause'; seq 100; exit 2"))
    assert rc == 1
    cause = lines.index("----- bad failed: what tells why in build/logs/bad.log, 101 lines")
    end = lines.index("----- bad failed: the end of build/logs/bad.log, 101 lines")
    assert "fatal: [one]: FAILED! => the cause" in lines[cause:end]
    assert lines[end + 1] == "41"


def test_a_pipe_does_not_swallow_a_failure(run) -> None:
    rc, lines = run(stage("bad", "false | cat"))
    assert (rc, lines[-1]) == (1, "0 passed, 1 failed")


def test_no_test_is_a_failure(run) -> None:
    rc, lines = run(stage("empty", "echo nothing to see", "pytest") + stage("good", "true"))
    assert (rc, lines[-1]) == (1, "1 passed, 1 failed")
    assert "This stage ran no test." in lines


def test_skipped_says_why(run) -> None:
    rc, lines = run(stage("far", "echo no container engine here; exit 77") + stage("good", "true"))
    assert rc == 0
    assert "far was SKIPPED: no container engine here" in lines
    assert lines[-1] == "1 passed, 0 failed, 1 skipped"


def test_a_stage_that_hangs_is_ended_with_its_children(run, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    began = time.monotonic()
    rc, lines = run(stage("hung", f"sleep 300 & echo $! > {pid}; wait", timeout=1))
    assert (rc, lines[-1]) == (1, "0 passed, 1 failed")
    assert "Ended: it took longer than 1 s." in lines
    assert time.monotonic() - began < 50
    status = Path(f"/proc/{pid.read_text().strip()}/status")
    assert not status.exists() or "zombie" in status.read_text()


def test_order_is_kept(run, tmp_path: Path) -> None:
    log = tmp_path / "order"
    say = f"echo begin-{{0}} >> {log}; sleep 0.4; echo end-{{0}} >> {log}"
    rc, lines = run(
        stage("late", say.format("late"), after="['early']")
        + stage("early", say.format("early"))
        + stage("beside", say.format("beside"))
    )
    order = log.read_text().split()
    assert (rc, lines[-1]) == (0, "3 passed, 0 failed")
    assert set(order[:2]) == {"begin-early", "begin-beside"}
    assert order.index("end-early") < order.index("begin-late")


def test_one_that_waits_runs_as_a_third_beside_any(run, tmp_path: Path) -> None:
    log = tmp_path / "order"
    say = f"echo begin-{{0}} >> {log}; sleep {{1}}; echo end-{{0}} >> {log}"
    rc, lines = run(
        "".join(stage(name, say.format(name, 0.4)) for name in ("one", "two", "three"))
        + stage("idle", say.format("idle", 2.5), waits="true")
        + stage("calm", say.format("calm", 0.1), waits="true")
    )
    order = log.read_text().split()
    assert (rc, lines[-1]) == (0, "5 passed, 0 failed")
    assert set(order[:3]) == {"begin-one", "begin-two", "begin-idle"}
    assert order.index("end-idle") < order.index("begin-calm"), "one of them at a time"
    assert min(order.index("end-one"), order.index("end-two")) < order.index("begin-three"), "two of the others"
    assert order.index("begin-three") < order.index("end-idle")


def test_names_a_group_or_a_stage(run) -> None:
    rc, lines = run(stage("one", "true") + stage("two", "false"), "g-one")
    assert (rc, lines[-1]) == (0, "1 passed, 0 failed")


def test_the_tools_beside_the_interpreter_are_found_without_an_activated_environment(run, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    rc, lines = run(stage("one", f"test $(command -v pytest) = {Path(sys.executable).with_name('pytest')}"))
    assert (rc, lines[-1]) == (0, "1 passed, 0 failed")


def test_an_unknown_name_is_refused(run) -> None:
    rc, lines = run(stage("one", "true"), "oen")
    assert rc == 1
    assert "No such stage: oen. There are: all, g-one, one." in lines[0]
