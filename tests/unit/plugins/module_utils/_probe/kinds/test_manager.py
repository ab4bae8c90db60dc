# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds supervisor and systemd: a manager's words become a check."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import ManagerState
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds.manager import _ask
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Outcome
from ansible_collections.toombos.incident.plugins.module_utils._process.types import ProcessTable


class Stand:
    """A manager that says what it is told to."""

    def __init__(self, state: ManagerState | None) -> None:
        self.state = state
        self.released = threading.Event()

    def observe(self, table: ProcessTable) -> ManagerState:
        if self.state is None:
            self.released.wait(60)
        return self.state or ManagerState(False, "unknown")

    def start(self, deadline: float) -> None:
        raise AssertionError("a probe starts nothing")

    def stop(self, deadline: float) -> None:
        raise AssertionError("a probe stops nothing")


def answer(state: ManagerState | None, seconds: float = 20.0) -> Outcome:
    stand = Stand(state)
    try:
        return _ask("app", stand, Clock().monotonic() + seconds, Context(Clock()))
    finally:
        stand.released.set()


@pytest.mark.parametrize(
    ("state", "status", "reason", "message"),
    [
        (ManagerState(True, "running", 7, "pid 7"), "pass", "ok", "app is running (pid 7)"),
        (ManagerState(True, "running", 7), "pass", "ok", "app is running"),
        (ManagerState(True, "starting", 7), "fail", "not_running", "app is starting"),
        (ManagerState(True, "stopped", None, "STOPPED"), "fail", "not_running", "app is stopped (STOPPED)"),
        (ManagerState(True, "failed"), "fail", "not_running", "app is failed"),
        (ManagerState(False, "unknown", None, "no socket"), "fail", "manager_gone", "no socket"),
    ],
)
def test_states(state: ManagerState, status: str, reason: str, message: str) -> None:
    outcome = answer(state)
    assert (outcome.status, outcome.reason, outcome.message) == (status, reason, message)
    assert outcome.observed == {"state": state.state, "pid": state.pid, "detail": state.detail}
    assert outcome.expected == "running"


def test_a_manager_that_hangs() -> None:
    assert answer(None, seconds=0.1).reason == "timeout"


def test_supervisor_without_its_socket(ask: Any, tmp_path: Any) -> None:
    outcome = ask(kind="supervisor", program="g:p", socket=str(tmp_path / "none"))
    assert (outcome.status, outcome.reason) == ("fail", "manager_gone")


def test_a_unit_that_does_not_exist(ask: Any) -> None:
    outcome = ask(kind="systemd", unit="no-such-unit-anywhere.service")
    assert outcome.status == "fail"
    assert outcome.reason in ("manager_gone", "not_running")
