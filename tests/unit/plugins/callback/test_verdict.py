# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback keeps the newest verdict and prints it last."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.callback.verdict import CallbackModule

VERDICT = {"text": "RECOVERED", "machine": {"status": "recovered"}, "ok": True}
REFUSAL = {"machine": {"status": "refused", "problems": ["The target is empty."]}, "ok": False}


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A callback and the lines that it prints."""
    callback, lines = CallbackModule(), []
    monkeypatch.setattr(callback._display, "display", lambda text, **_how: lines.append(text))
    return callback, lines


def guard_begins(callback: CallbackModule) -> None:
    callback.v2_playbook_on_task_start(SimpleNamespace(action="toombos.incident.guard"), False)


@pytest.mark.parametrize("attribute", ["result", "_result"])
def test_the_verdict_comes_last_with_its_line(printed: Any, attribute: str) -> None:
    callback, lines = printed
    guard_begins(callback)
    callback.v2_runner_on_ok(SimpleNamespace(**{attribute: {"incident_verdict": VERDICT}}))
    callback.v2_runner_on_ok(SimpleNamespace(**{attribute: {"changed": False}}))
    assert lines == []
    callback.v2_playbook_on_stats(None)
    assert lines == ["RECOVERED", 'INCIDENT_VERDICT {"status":"recovered"}']


def test_a_refusal_is_rendered(printed: Any) -> None:
    callback, lines = printed
    callback.v2_runner_on_failed(SimpleNamespace(result={"incident_verdict": REFUSAL}))
    callback.v2_playbook_on_stats(None)
    assert lines[0].startswith("REFUSED")
    assert "The target is empty." in lines[0]


def test_a_run_that_breaks_off_says_that_it_has_no_verdict(printed: Any) -> None:
    callback, lines = printed
    guard_begins(callback)
    callback.v2_playbook_on_stats(None)
    assert lines[0].startswith("NO VERDICT")
    assert lines[-1] == 'INCIDENT_VERDICT {"status":"no_verdict"}'


@pytest.mark.parametrize("nested", [False, True])
def test_a_guard_that_was_left_out_is_missed(printed: Any, nested: bool) -> None:
    callback, lines = printed
    guard = SimpleNamespace(action="toombos.incident.guard")
    tasks = [SimpleNamespace(block=[SimpleNamespace(block=[guard])])] if nested else [guard]
    callback.v2_playbook_on_play_start(SimpleNamespace(tasks=tasks))
    callback.v2_playbook_on_stats(None)
    assert lines[-1] == 'INCIDENT_VERDICT {"status":"no_verdict"}'


def test_a_second_playbook_does_not_end_with_the_verdict_of_the_first(printed: Any) -> None:
    callback, lines = printed
    play = SimpleNamespace(tasks=[SimpleNamespace(action="toombos.incident.guard")])
    for content in ({"incident_verdict": VERDICT}, {"changed": False}):
        callback.v2_playbook_on_play_start(play)
        guard_begins(callback)
        callback.v2_runner_on_ok(SimpleNamespace(result=content))
        callback.v2_playbook_on_stats(None)
    assert [line for line in lines if line.startswith("INCIDENT_VERDICT")] == [
        'INCIDENT_VERDICT {"status":"recovered"}',
        'INCIDENT_VERDICT {"status":"no_verdict"}',
    ]


def test_no_verdict_of_a_playbook_with_several_runs_is_lost(printed: Any) -> None:
    callback, lines = printed
    for _time in range(2):
        guard_begins(callback)
        callback.v2_runner_on_ok(SimpleNamespace(result={"incident_verdict": VERDICT}))
    callback.v2_playbook_on_stats(None)
    assert lines.count('INCIDENT_VERDICT {"status":"recovered"}') == 2


def test_other_playbooks_are_left_alone(printed: Any) -> None:
    callback, lines = printed
    callback.v2_playbook_on_play_start(SimpleNamespace(tasks=[SimpleNamespace(action="ansible.builtin.debug")]))
    callback.v2_playbook_on_task_start(SimpleNamespace(action="ansible.builtin.debug"), False)
    callback.v2_runner_on_ok(SimpleNamespace(result={"changed": False}))
    callback.v2_playbook_on_stats(None)
    assert lines == []
