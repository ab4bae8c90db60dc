# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All probes at once: 1:1, in order, by the deadline, and nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._probe import runner
from ansible_collections.toombos.incident.plugins.module_utils._probe.attempts import ATTEMPTS
from ansible_collections.toombos.incident.plugins.module_utils._probe.runner import run_probes
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import KINDS, parse_probe
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import (
    FAIL,
    PASS,
    WARN,
    Check,
    Outcome,
    Probe,
    Schedule,
)

CLOCK = Clock()
LONG = 60.0  # seconds that are never reached unless something is broken


class Script:
    """A kind of probe whose attempts follow a script: "+", "-", "w", "!" (raises), "h" (hangs past every deadline)."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.asked: dict[str, list[float]] = {}

    def attempt(self, target: Any, deadline: float, context: Any) -> Outcome:
        asked = self.asked.setdefault(target, [])
        asked.append(context.clock.monotonic())
        answer = target.partition(" ")[2][min(len(asked), len(target.partition(" ")[2])) - 1]
        if answer == "!":
            raise RuntimeError("password=hunter2")
        if answer == "h":
            self.released.wait(60)
        if answer == "s":
            context.clock.sleep(deadline - context.clock.monotonic() + 0.02)
        status = {"-": FAIL, "w": WARN}.get(answer, PASS)
        return Outcome(status, "ok" if status == PASS else "why", f"{answer} of {target}", {"token": "hunter2"}, [1])


@pytest.fixture
def script() -> Any:
    made = Script()
    yield made
    made.released.set()


def probe(answers: str, name: str = "p", service: str = "", **schedule: Any) -> Probe:
    return Probe(
        name, "script", f"{name} {answers}", service, Schedule(**{"period": 0.01, "timeout": LONG, **schedule})
    )


def run(script: Script, *probes: Probe, seconds: float | None = LONG, wait: bool = False) -> list[Check]:
    deadline = None if seconds is None else CLOCK.monotonic() + seconds
    return run_probes(probes, deadline=deadline, wait=wait, clock=CLOCK, kinds={"script": script.attempt})


def test_every_kind_can_be_attempted() -> None:
    assert set(ATTEMPTS) == set(KINDS)


def test_one_check_per_probe_in_order(script: Script) -> None:
    probes = [probe("+" if index % 3 else "-", f"p{index}", f"s{index}") for index in range(40)]
    checks = run(script, *probes)
    assert [(check.service, check.probe) for check in checks] == [(p.service, p.name) for p in probes]
    assert [check.status for check in checks] == ["pass" if index % 3 else "fail" for index in range(40)]


def test_no_probes(script: Script) -> None:
    assert run(script) == []


@pytest.mark.parametrize(
    ("answers", "schedule", "wait", "status", "attempts"),
    [
        ("+", {}, False, "pass", 1),
        ("w", {}, False, "warn", 1),
        ("-+", {}, False, "pass", 2),
        ("--+", {}, False, "fail", 2),
        ("-+", {"failure_threshold": 1}, False, "fail", 1),
        ("+-++", {"success_threshold": 2}, False, "pass", 4),
        ("----+", {}, True, "pass", 5),
        ("!+", {}, False, "pass", 2),
    ],
)
def test_thresholds(
    script: Script, answers: str, schedule: dict[str, Any], wait: bool, status: str, attempts: int
) -> None:
    (check,) = run(script, probe(answers, **schedule), wait=wait)
    assert (check.status, check.attempts) == (status, attempts)
    assert check.latency is not None


def test_an_exception_is_a_failed_check_and_is_redacted(script: Script) -> None:
    broken, good = run(script, probe("!", "a"), probe("+", "b"))
    assert (broken.status, broken.reason) == ("fail", "error")
    assert broken.message == "the probe itself failed: RuntimeError: password=***"
    assert good.observed == {"token": "***"}


def test_initial_delay_and_period_are_kept(script: Script) -> None:
    began = CLOCK.monotonic()
    run(script, probe("--+", period=0.2, initial_delay=0.1, failure_threshold=3))
    first, second, third = (at - began for at in script.asked["p --+"])
    assert first >= 0.1
    assert second >= 0.3
    assert third >= 0.5


def test_what_is_not_answered_by_the_deadline_is_unknown(script: Script) -> None:
    hung, good = run(script, probe("h", "a"), probe("+", "b"), seconds=0.2)
    assert (hung.status, hung.reason, hung.attempts, hung.latency) == ("unknown", "deadline", 0, None)
    assert (good.status, good.attempts) == ("pass", 1)


def test_an_answer_after_the_timeout_is_a_failure(script: Script) -> None:
    (check,) = run(script, probe("s", timeout=0.05, failure_threshold=1))
    assert (check.status, check.reason) == ("fail", "timeout")


def test_a_failure_at_the_deadline_of_the_run_is_no_answer(peers: Any) -> None:
    raw = {"kind": "http", "url": peers.hang().url, "timeout": 60, "failure_threshold": 1}
    (check,) = run_probes([parse_probe("p", raw, where="p")], deadline=CLOCK.monotonic() + 0.2, clock=CLOCK)
    assert (check.status, check.reason) == ("unknown", "deadline")


def test_a_good_answer_after_the_deadline_of_the_run_is_none(script: Script) -> None:
    (check,) = run(script, probe("-+-+-s", failure_threshold=2, success_threshold=2), seconds=0.5)
    assert (check.status, check.reason, check.attempts) == ("fail", "flapping", 5)


def test_below_the_threshold_at_the_deadline(script: Script) -> None:
    (check,) = run(script, probe("-", period=LONG), seconds=0.2)
    assert (check.status, check.reason, check.attempts) == ("unknown", "deadline", 1)
    assert check.message == "no answer by the deadline; the last 1 failed in a row: - of p -"
    (check,) = run(script, probe("+", "q", period=LONG, success_threshold=2), seconds=0.2)
    assert check.message == "no answer by the deadline; the last 1 good in a row: + of q +"


def test_waiting_in_vain_tells_the_last_reason(script: Script) -> None:
    (check,) = run(script, probe("-"), seconds=0.2, wait=True)
    assert (check.status, check.reason, check.message) == ("fail", "why", "- of p -")
    assert check.attempts > 2


def test_a_probe_that_would_begin_after_the_deadline_is_not_tried(script: Script) -> None:
    (check,) = run(script, probe("+", initial_delay=LONG), seconds=0.05)
    assert (check.status, check.attempts) == ("unknown", 0)
    assert script.asked == {}


def test_without_a_deadline_the_schedules_decide(script: Script) -> None:
    (check,) = run(script, probe("--", period=0.05, timeout=1), seconds=None)
    assert check.status == "fail"


def test_a_hundred_probes_of_which_one_hangs(peers: Any, script: Script) -> None:
    probes = [probe("+", f"p{index}") for index in range(99)]
    checks = run(script, probe("h", "hung"), *probes, seconds=1.0)
    assert [check.status for check in checks] == ["unknown"] + ["pass"] * 99
    last = max(at for times in script.asked.values() for at in times)
    first = min(at for times in script.asked.values() for at in times)
    assert last - first < 1.0, "the others waited for the one that hangs"


def test_more_probes_than_threads(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_MOST_THREADS", 3)
    checks = run(script, *(probe("+", f"p{index}") for index in range(50)))
    assert {check.status for check in checks} == {"pass"}


def limited_threads(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    started: list[threading.Thread] = []
    real = threading.Thread.start

    def start(self: threading.Thread) -> None:
        if len(started) >= limit:
            raise RuntimeError("can't start new thread")
        started.append(self)
        real(self)

    monkeypatch.setattr(threading.Thread, "start", start)


def test_a_host_that_is_out_of_threads_still_answers(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    limited_threads(monkeypatch, 2)
    checks = run(script, *(probe("+", f"p{index}") for index in range(9)))
    assert [check.status for check in checks] == ["pass"] * 9


def test_a_host_without_any_thread_says_so(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    limited_threads(monkeypatch, 0)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        run(script, probe("+"))


def open_sockets() -> int:
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            continue
    return sum(link.startswith("socket:") for link in links)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_no_command_and_no_socket_is_left_behind(zoo: Any, peers: Any) -> None:
    # Ignores TERM, forks, and keeps its pipes open: the deadline of the run comes before its own timeout.
    child = zoo.script("child.py", "signal.signal(15, signal.SIG_IGN); time.sleep(600)")
    parent = zoo.script(
        "parent.py",
        f"import subprocess; signal.signal(15, signal.SIG_IGN)\n"
        f"subprocess.Popen([sys.executable, {child!r}]); ready(); time.sleep(600)",
    )
    peer = peers.hang()
    threads, sockets = threading.active_count(), open_sockets()
    raws: list[dict[str, Any]] = [{"kind": "command", "command": [sys.executable, parent], "timeout": 600}]
    raws += [{"kind": "http", "url": peer.url, "timeout": 600}] * 5
    raws += [{"kind": "tcp", "port": peer.port}]
    probes = [parse_probe("p", raw, where="p") for raw in raws]
    checks = run_probes(probes, deadline=CLOCK.monotonic() + 3.0, clock=CLOCK)
    assert Path(parent + ".ready").exists()
    assert [check.status for check in checks] == ["unknown"] * 6 + ["pass"]
    wait_for(lambda: not zoo.alive())
    peers.close()
    peers._all.clear()
    wait_for(lambda: threading.active_count() <= threads - 1)
    wait_for(lambda: open_sockets() <= sockets - 1)


ASK_AND_EXIT = """
from {spec} import parse_probe
from {runner} import run_probes
from {clock} import Clock
raw = {{"kind": "command", "command": [sys.executable, {command!r}], "timeout": 600}}
print(run_probes([parse_probe("p", raw, where="p")], deadline=Clock().monotonic() + 3.0, clock=Clock())[0].status)
"""


def test_a_command_does_not_outlive_a_process_that_ends_with_the_answer(zoo: Any) -> None:
    command = zoo.script("command.py", "signal.signal(15, signal.SIG_IGN); ready(); time.sleep(600)")
    modules = {"spec": parse_probe.__module__, "runner": run_probes.__module__, "clock": Clock.__module__}
    script = zoo.script("ask.py", ASK_AND_EXIT.format(command=command, **modules))
    path = str(Path(sys.modules[Clock.__module__].__file__ or "").parents[5])
    done = subprocess.run(
        [sys.executable, script], check=False, capture_output=True, text=True, env={"PYTHONPATH": path}, timeout=60
    )
    assert (done.stdout, done.stderr) == ("unknown\n", "")
    assert Path(command + ".ready").exists()
    zoo.until(lambda: not zoo.alive())


@pytest.mark.parametrize(
    ("answers", "schedule", "status", "reason", "retried"),
    [
        ("-+", {"failure_threshold": 2}, "pass", "ok", True),
        ("+", {}, "pass", "ok", False),
        ("--", {"failure_threshold": 2}, "fail", "why", False),
        ("-+-++", {"failure_threshold": 2, "success_threshold": 2}, "warn", "flapping", True),
        ("--+++", {"failure_threshold": 3, "success_threshold": 3}, "pass", "ok", True),
    ],
)
def test_a_good_answer_after_bad_ones_says_so(
    script: Script, answers: str, schedule: Any, status: str, reason: str, retried: bool
) -> None:
    (check,) = run(script, probe(answers, **schedule))
    assert (check.status, check.reason, check.retried) == (status, reason, retried)


def test_answers_that_never_settle_are_flapping(script: Script) -> None:
    (check,) = run(script, probe("+-" * 500, failure_threshold=2, success_threshold=2), seconds=2.0)
    assert (check.status, check.reason) == ("fail", "flapping")
    assert "in turns with good ones" in check.message
