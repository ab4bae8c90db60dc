# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands: real ones, some of which do not want to end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._command import kill_all_children, run_command

TIME = 30.0  # more than enough


def gone(zoo: Any) -> None:
    """Nothing that names the test's directory runs any more."""
    zoo.until(lambda: not zoo.alive())


def test_result_of_a_command(tmp_path: Path) -> None:
    result = run_command(
        ["sh", "-c", 'cat; pwd; echo "$A" >&2; exit 3'], timeout=TIME, cwd=str(tmp_path), env={"A": "b"}, stdin=b"in\n"
    )
    assert (result.rc, result.stdout, result.stderr) == (3, f"in\n{tmp_path}\n", "b\n")
    assert (result.timed_out, result.error) == (False, "")
    assert result.duration > 0


def test_environment_is_inherited_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOMBOS_A", "x")
    assert run_command(["sh", "-c", 'echo "$TOOMBOS_A"'], timeout=TIME).stdout == "x\n"
    assert run_command(["sh", "-c", 'echo "$TOOMBOS_A"'], timeout=TIME, env={}).stdout == "\n"


def test_a_command_that_a_signal_ends() -> None:
    assert run_command(["sh", "-c", "kill -KILL $$"], timeout=TIME).rc == -signal.SIGKILL


@pytest.mark.parametrize(
    ("argv", "cwd", "words"),
    [
        (["/no/such/command"], None, "/no/such/command: No such file"),
        (["true"], "/no/such/directory", "/no/such/directory: No such file"),
        (["/etc/passwd"], None, "/etc/passwd: Permission denied"),
        (["true", "a\0b"], None, "null byte"),
    ],
)
def test_a_command_that_cannot_be_run_is_no_exception(argv: list[str], cwd: str | None, words: str) -> None:
    result = run_command(argv, timeout=TIME, cwd=cwd)
    assert (result.rc, result.timed_out) == (None, False)
    assert words in result.error


def test_no_time_left_means_not_run(tmp_path: Path) -> None:
    result = run_command(["touch", str(tmp_path / "x")], timeout=0)
    assert (result.rc, result.timed_out) == (None, True)
    assert not (tmp_path / "x").exists()


def test_undecodable_output_is_replaced() -> None:
    assert run_command(["printf", r"a\377b"], timeout=TIME).stdout == "a\ufffdb"


def test_of_long_output_both_ends_are_kept() -> None:
    code = "import sys; sys.stdout.write('a' * 500000 + 'z' * 500000); sys.stderr.write('short')"
    result = run_command([sys.executable, "-c", code], timeout=TIME, max_output=20)
    assert result.stdout == "a" * 10 + "\n[... 999980 bytes left out ...]\n" + "z" * 10
    assert result.stderr == "short"


def test_output_without_end_is_bounded_and_ended() -> None:
    result = run_command(["yes"], timeout=0.2, max_output=100)
    assert result.timed_out
    assert len(result.stdout) < 200


def test_input_that_nobody_reads() -> None:
    assert run_command(["true"], timeout=TIME, stdin=b"x" * 1_000_000).rc == 0


def test_input_larger_than_a_pipe() -> None:
    assert run_command(["wc", "-c"], timeout=TIME, stdin=b"x" * 1_000_000).stdout.strip() == "1000000"


def test_a_command_that_closes_its_streams_is_still_waited_for() -> None:
    assert run_command(["sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 4"], timeout=TIME).rc == 4


def test_the_whole_group_is_ended_even_if_it_ignores_term(zoo: Any) -> None:
    child = zoo.script("child.py", "signal.signal(15, signal.SIG_IGN); ready(); time.sleep(600)")
    parent = zoo.script(
        "parent.py",
        f"import subprocess; subprocess.Popen([sys.executable, {child!r}])\n"
        "signal.signal(15, signal.SIG_IGN); print('said', flush=True); time.sleep(600)",
    )
    result = run_command([sys.executable, parent], timeout=1.0)
    assert (result.rc, result.timed_out, result.stdout) == (None, True, "said\n")
    gone(zoo)


def test_a_polite_command_may_clean_up(zoo: Any) -> None:
    path = zoo.script(
        "polite.py", "signal.signal(15, lambda *_: (print('cleaned', flush=True), sys.exit(0))); time.sleep(600)"
    )
    result = run_command([sys.executable, path], timeout=1.0)
    assert (result.timed_out, result.rc) == (True, None)
    gone(zoo)


def test_a_grandchild_that_keeps_the_pipe_open_does_not_hold_the_result(zoo: Any) -> None:
    child = zoo.script("child.py", "time.sleep(600)")
    result = run_command(["sh", "-c", f"{sys.executable} {child} & echo done; exit 5"], timeout=300.0)
    assert (result.rc, result.stdout, result.timed_out) == (5, "done\n", False)
    assert result.duration < 100, "it waited for the grandchild"
    gone(zoo)


def test_kill_all_children_ends_what_runs(zoo: Any) -> None:
    path = zoo.script("child.py", "ready(); time.sleep(600)")
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(run_command([sys.executable, path], timeout=600)))
    thread.start()
    zoo.until(lambda: Path(path + ".ready").exists())
    kill_all_children()
    thread.join(30)
    assert [result.rc for result in results] == [-signal.SIGKILL]
    gone(zoo)


def test_kill_all_children_with_nothing_running_does_nothing() -> None:
    kill_all_children()
    assert run_command(["true"], timeout=TIME).rc == 0


def test_a_command_whose_group_may_not_be_signalled_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    real = os.killpg

    def refuse(pid: int, number: int) -> None:
        ended.append(pid)
        raise PermissionError

    monkeypatch.setattr("os.killpg", refuse)
    result = run_command(["sleep", "600"], timeout=0.1)
    assert (result.rc, result.timed_out) == (None, True)
    real(ended[0], signal.SIGKILL)
    time.sleep(0.05)
