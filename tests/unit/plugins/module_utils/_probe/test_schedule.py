# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The thresholds and ticks of Kubernetes' probes, as tables."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ansible_collections.toombos.incident.plugins.module_utils._probe.schedule import (
    Progress,
    default_deadline,
    is_settled,
    longest,
    next_start,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import (
    FAIL,
    PASS,
    WARN,
    Outcome,
    Probe,
    Schedule,
)

STATUS = {"+": PASS, "-": FAIL, "w": WARN}


def play(schedule: Schedule, answers: str, wait: bool) -> tuple[int, Progress]:
    """How many of the answers were asked for until one stood, and what they add up to."""
    progress = Progress()
    for number, answer in enumerate(answers, 1):
        progress = progress.after(Outcome(STATUS[answer], "r", answer), 0.5)
        if is_settled(schedule, progress, wait):
            return number, progress
    return 0, progress


@pytest.mark.parametrize(
    ("success", "failure", "answers", "wait", "attempts"),
    [
        (1, 1, "+", False, 1),
        (1, 1, "-", False, 1),
        (1, 2, "-+", False, 2),
        (1, 2, "--", False, 2),
        (1, 3, "--+", False, 3),
        (2, 2, "+-+-+-", False, 0),
        (2, 2, "+-++", False, 4),
        (2, 2, "-+--", False, 4),
        (2, 1, "+-", False, 2),
        (3, 3, "++-+++", False, 6),
        (1, 1, "w", False, 1),
        (2, 1, "w+", False, 2),
        (1, 1, "-----", True, 0),
        (1, 1, "-----+", True, 6),
        (2, 1, "+-+-++", True, 6),
    ],
)
def test_thresholds_count_consecutive_answers(
    success: int, failure: int, answers: str, wait: bool, attempts: int
) -> None:
    schedule = Schedule(success_threshold=success, failure_threshold=failure)
    settled, progress = play(schedule, answers, wait)
    assert settled == attempts
    assert progress.attempts == (attempts or len(answers))
    assert progress.last is not None
    assert progress.last.message == answers[progress.attempts - 1]
    assert progress.latency == 0.5


@pytest.mark.parametrize(
    ("period", "started", "ended", "expected"),
    [
        pytest.param(1.0, 10.0, 10.1, 11.0, id="next-tick"),
        pytest.param(1.0, 10.0, 11.0, 11.0, id="ends-on-the-tick"),
        pytest.param(1.0, 10.0, 12.5, 12.5, id="one-missed-tick-is-kept"),
        pytest.param(1.0, 12.5, 12.6, 13.0, id="then-back-on-the-ticks"),
        pytest.param(0.5, 10.49999999, 10.6, 11.0, id="rounding"),
        pytest.param(5.0, 20.003, 20.1, 25.0, id="a-late-thread-does-not-drift"),
    ],
)
def test_ticks(period: float, started: float, ended: float, expected: float) -> None:
    assert next_start(Schedule(period=period), 10.0, started, ended) == pytest.approx(expected)


@given(st.floats(0.01, 60), st.floats(0, 600), st.floats(0, 120))
def test_an_attempt_never_begins_before_the_last_one_ended(period: float, started: float, took: float) -> None:
    following = next_start(Schedule(period=period), 0.0, started, started + took)
    assert started + took <= following <= started + max(took, period) + 1e-3


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        (Schedule(timeout=3, failure_threshold=1), 3.0),
        (Schedule(timeout=3, failure_threshold=2), 6.0),
        (Schedule(initial_delay=10, period=5, timeout=1, failure_threshold=3), 21.0),
        (Schedule(period=5, timeout=1, success_threshold=2, failure_threshold=2), 11.0),
    ],
)
def test_longest(schedule: Schedule, seconds: float) -> None:
    assert longest(schedule) == seconds


def test_default_deadline_is_that_of_the_slowest_probe() -> None:
    probes = [Probe("a", "tcp", None, schedule=Schedule(timeout=t, failure_threshold=1)) for t in (1, 7, 2)]
    assert default_deadline(probes) == 8.0
    assert default_deadline([]) == 1.0
