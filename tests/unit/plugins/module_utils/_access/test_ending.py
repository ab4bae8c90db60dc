# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending real processes: those that do not want to, what they fork meanwhile, and nobody who has their pid by now."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._access import types as t
from ansible_collections.toombos.incident.plugins.module_utils._access.ending import end_all
from ansible_collections.toombos.incident.plugins.module_utils._access.logins import Asked, choose
from ansible_collections.toombos.incident.plugins.module_utils._access.processes import read_processes
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat

# A shell that ignores what it can, and forks something new all the time.
STUBBORN = """\
import signal, subprocess, time
for number in (signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
print(flush=True)
while True:
    subprocess.Popen(["sleep", "600"])
    time.sleep(0.05)
"""
ASKED = Asked(locked={}, others=True, services=False, names={})
NOBODY = t.Responder(frozenset({1}), frozenset(), 0, "")


def ending(pid: int, start: int) -> t.Ending:
    return t.Ending(pid, start, "eve", "", "", "x", "session of eve")


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    children: list[subprocess.Popen[bytes]] = []

    def start(*argv: str) -> subprocess.Popen[bytes]:
        children.append(subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True))
        return children[-1]

    yield start
    for child in children:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        assert child.stdout is not None
        child.stdout.close()  # not read to its end: what a failed test has left may hold it open
        child.wait()


def start_of(pid: int) -> int:
    stat = read_stat(pid)
    assert stat is not None
    return stat.start


def tree_of(pid: int) -> Callable[[Collection[tuple[int, int]]], t.Choice]:
    """Looks at what this test has started, as if it were a session; nothing else of this machine is seen."""
    start = start_of(pid)

    def look(begun: Collection[tuple[int, int]]) -> t.Choice:
        ours = {key: process for key, process in read_processes().items() if process.sid == pid}
        return choose(ours, NOBODY, ASKED, {*begun, (pid, start)})

    return look


def test_what_ignores_the_request_is_killed_with_all_that_it_forks(started: Callable[..., Any]) -> None:
    child = started(sys.executable, "-c", STUBBORN)
    child.stdout.readline()
    seen = end_all(tree_of(child.pid), 0.3, Clock())
    assert child.wait(5) == -signal.SIGKILL
    assert not seen.survivors
    assert seen.ended[0].pid == child.pid
    left = [process.pid for process in read_processes().values() if process.sid == child.pid]
    assert not left, "what was forked just before the end has lost its parent, and nothing else tells whose it is"


def test_what_ends_when_asked_is_not_killed(started: Callable[..., Any]) -> None:
    child = started("sleep", "600")
    seen = end_all(tree_of(child.pid), 30.0, Clock())
    assert child.wait(5) == -signal.SIGTERM
    assert [each.pid for each in seen.ended] == [child.pid]


def test_what_is_stopped_ends_as_well(started: Callable[..., Any]) -> None:
    child = started("sleep", "600")
    child.send_signal(signal.SIGSTOP)
    end_all(tree_of(child.pid), 30.0, Clock())
    assert child.wait(5) == -signal.SIGTERM


def test_a_pid_that_belongs_to_another_process_by_now_is_left_alone(started: Callable[..., Any]) -> None:
    child = started("sleep", "600")
    looks = [t.Choice((ending(child.pid, start_of(child.pid) - 1),)), t.Choice(())]
    end_all(lambda _begun: looks.pop(0), 0.1, Clock())
    assert child.poll() is None


def test_what_does_not_die_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fast(Clock):
        at = 0.0

        def monotonic(self) -> float:
            return self.at

        def sleep(self, seconds: float) -> None:
            self.at += seconds

    sent = []

    def send(key: tuple[int, int], number: signal.Signals) -> bool:
        sent.append(number)
        if key[0] == 8:
            raise PermissionError
        return True

    told = []

    def look(begun: Collection[tuple[int, int]]) -> t.Choice:
        told.append(set(begun))
        return t.Choice((ending(7, 1), ending(8, 1)))

    seen = end_all(look, 1.0, Fast(), send)
    assert told[:2] == [set(), {(7, 1), (8, 1)}], "what is being ended has perhaps lost what told whose it is"
    assert [each.pid for each in seen.survivors] == [7, 8]
    assert seen.ended == ()
    assert sent[:3] == [signal.SIGTERM, signal.SIGCONT, signal.SIGTERM]
    assert signal.SIGKILL in sent
