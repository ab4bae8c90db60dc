# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a probe is tried, and when its answer stands. Pure; the semantics are those of Kubernetes' probes.

Source: the prober of the kubelet (pkg/kubelet/prober/worker.go), whose ticker keeps one tick that came while an
attempt was under way and drops the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, Outcome, Probe, Schedule

_FLAPPING = 3  # turns
_ROUNDING = 1e-6  # seconds: an attempt that was meant for a tick has begun on it


@dataclass(frozen=True)
class Progress:
    """What the attempts of a probe add up to; ``successes`` and ``failures`` are consecutive ones.

    ``failed`` counts all failed attempts, ``turns`` how often the answer was another one than the one before.
    """

    attempts: int = 0
    successes: int = 0
    failures: int = 0
    last: Outcome | None = None
    latency: float | None = None  # seconds, of the last attempt
    failed: int = 0
    turns: int = 0

    def after(self, outcome: Outcome, latency: float) -> Progress:
        """With one more attempt. A warning is a success; either kind resets the count of the other."""
        failed = outcome.status == FAIL
        return Progress(
            attempts=self.attempts + 1,
            successes=0 if failed else self.successes + 1,
            failures=self.failures + 1 if failed else 0,
            last=outcome,
            latency=latency,
            failed=self.failed + failed,
            turns=self.turns + (self.last is not None and (self.last.status == FAIL) != failed),
        )

    @property
    def flaps(self) -> bool:
        """Whether the answers alternate: good, bad, good, bad."""
        return self.turns >= _FLAPPING


def is_settled(schedule: Schedule, progress: Progress, wait: bool) -> bool:
    """Whether the answer stands. While waiting only success ends a probe: failure may still turn."""
    if progress.successes >= schedule.success_threshold:
        return True
    return not wait and progress.failures >= schedule.failure_threshold


def next_start(schedule: Schedule, first: float, started: float, ended: float) -> float:
    """When the attempt after the one from ``started`` to ``ended`` begins; ``first`` is the time of the first tick."""
    ticks = math.floor((started - first + _ROUNDING) / schedule.period) + 1
    return max(ended, first + ticks * schedule.period)


def longest(schedule: Schedule) -> float:
    """Seconds until the answer stands at the latest, unless the answers alternate."""
    attempts = schedule.success_threshold + schedule.failure_threshold - 1
    return schedule.initial_delay + (attempts - 1) * max(schedule.period, schedule.timeout) + schedule.timeout


def default_deadline(probes: Sequence[Probe]) -> float:
    """Seconds that the slowest of the probes, which are all asked at once, may take."""
    return max((longest(probe.schedule) for probe in probes), default=0.0) + 1.0
