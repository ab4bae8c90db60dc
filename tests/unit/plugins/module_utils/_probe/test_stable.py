# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Good is not enough: it must stay good for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Sequence

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._probe import stable
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Check, Probe


@dataclass
class World:
    """A clock that only moves when somebody sleeps or asks, and a service that is down at these times."""

    down: Sequence[tuple[float, float]] = ()
    now: float = 0.0
    asked: list[tuple[float, bool]] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def run_probes(
        self, probes: Any, *, deadline: float | None, wait: bool = False, clock: Any, defers: bool
    ) -> list[Check]:
        self.asked.append((self.now, wait))
        self.now += 0.1
        while wait and self._is_down() and deadline is not None and self.now < deadline:
            self.now += 0.1
        return [Check("", "p", "tcp", "fail" if self._is_down() else "pass", "ok", "said so")]

    def _is_down(self) -> bool:
        return any(begin <= self.now < end for begin, end in self.down)


def ask(monkeypatch: pytest.MonkeyPatch, world: World, stable_for: float = 5.0, deadline: float = 60.0) -> Check:
    monkeypatch.setattr(stable, "run_probes", world.run_probes)
    (check,) = stable.ask([Probe("p", "tcp", None)], deadline=deadline, wait=True, stable_for=stable_for, clock=world)
    return check


def test_good_from_the_beginning_is_watched_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    assert ask(monkeypatch, world).status == "pass"
    assert 5.0 <= world.now < 6.5


def test_one_relapse_starts_the_wait_anew_and_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(down=[(2.0, 4.0)])
    check = ask(monkeypatch, world)
    assert (check.status, check.retried) == ("pass", True)
    assert world.now > 9.0


def test_two_relapses_are_flapping(monkeypatch: pytest.MonkeyPatch) -> None:
    check = ask(monkeypatch, World(down=[(2.0, 4.0), (6.0, 7.5)]))
    assert (check.status, check.reason) == ("warn", "flapping")


def test_what_never_stays_good_fails_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(down=[(second, second + 1.5) for second in range(2, 200, 3)])
    assert ask(monkeypatch, world, deadline=20.0).status == "fail"
    assert world.now < 22.0


def test_a_deadline_within_the_window_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    check = ask(monkeypatch, World(), stable_for=30.0, deadline=10.0)
    assert (check.status, check.reason) == ("unknown", "deadline")


def test_without_a_window_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    assert ask(monkeypatch, world, stable_for=0.0).status == "pass"
    assert len(world.asked) == 1
