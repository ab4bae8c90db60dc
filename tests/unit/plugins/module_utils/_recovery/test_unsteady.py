# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is watched for how long, and what is said of restarts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import ManagerState
from ansible_collections.toombos.incident.plugins.module_utils._recovery import unsteady
from ansible_collections.toombos.incident.plugins.module_utils._recovery.types import Observation


def seen(build: Any, age: float | None, restarts: int, *, pid: int = 10, state: str = manager.RUNNING) -> Observation:
    managed = (build.process(pid, start=pid),) if age is not None else ()
    return Observation(ManagerState(True, state, pid, restarts=restarts), managed=managed, age=age)


@pytest.mark.parametrize(
    ("age", "restarts", "seconds"),
    [
        (600.0, 0, 0.0),
        (600.0, 50, 0.0),
        (None, 5, 0.0),
        (5.0, 0, 2.0),
        (5.0, 1, 2.0),
        (5.0, 2, 25.0),
        (29.5, 9, 2.0),
        (-1.0, 2, 30.0),
    ],
)
def test_how_long_a_healthy_host_is_watched(build: Any, age: float | None, restarts: int, seconds: float) -> None:
    assert unsteady.to_watch([seen(build, 4000.0, 0), seen(build, age, restarts)], 2.0) == seconds


def test_whoever_wants_no_window_gets_none(build: Any) -> None:
    assert unsteady.to_watch([seen(build, 1.0, 9)], 0.0) == 0.0


@pytest.mark.parametrize(("age", "restarts", "told"), [(40.0, 3, True), (40.0, 1, False), (900.0, 3, False)])
def test_restarts_are_told_while_they_are_news(build: Any, age: float, restarts: int, told: bool) -> None:
    words = unsteady.restarted(seen(build, age, restarts))
    assert words == ("ended and was started again 3 times, the last time 40s ago" if told else "")


def test_what_has_ended_between_two_looks(build: Any) -> None:
    before = {"web": seen(build, 5.0, 3), "api": seen(build, 5.0, 0), "db": seen(build, 5.0, 3)}
    gone = {name: seen(build, None, 3) for name in before}
    assert list(unsteady.died_again(before, gone)) == ["web", "db"], "without restarts it has merely failed"
    assert unsteady.died_again(before, before) == {}
    given_up = {name: seen(build, None, 3, state=manager.FAILED) for name in before}
    assert unsteady.died_again(before, given_up) == {}
    replaced = {**before, "web": seen(build, 1.0, 4, pid=11)}
    assert unsteady.died_again(before, replaced)["web"].startswith("ended again while it was watched, after 3 restarts")
