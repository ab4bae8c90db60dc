# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until probes are good, and stay good for a while."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.runner import run_probes
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import (
    FAIL,
    PASS,
    UNKNOWN,
    WARN,
    Check,
    Probe,
)
from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration

_PAUSE = 1.0  # seconds between two looks within the window
_TWICE = 2


def ask(
    probes: Sequence[Probe],
    *,
    deadline: float | None,
    wait: bool,
    stable_for: float,
    clock: Clock,
    defers: bool = False,
) -> list[Check]:
    """One check per probe, in order. With ``wait`` and a deadline they must hold for ``stable_for`` seconds.

    ``defers``: somebody completes what this host cannot judge, see ``_probe.pending``.
    """
    checks = run_probes(probes, deadline=deadline, wait=wait, clock=clock, defers=defers)
    if not stable_for or not wait or deadline is None:
        return checks
    fell: Counter[int] = Counter()
    while not _red(checks):
        checks, bad = _watch(probes, checks, min(deadline, clock.monotonic() + stable_for), clock, defers)
        if not bad:
            left = clock.monotonic() < deadline
            return [_settle(check, fell[index], left, stable_for) for index, check in enumerate(checks)]
        fell.update(bad)
        if clock.monotonic() >= deadline:
            return checks
        checks = run_probes(probes, deadline=deadline, wait=True, clock=clock, defers=defers)
    return checks


def _watch(
    probes: Sequence[Probe], checks: list[Check], until: float, clock: Clock, defers: bool
) -> tuple[list[Check], list[int]]:
    """Look until then; the newest answers, and which of them turned bad."""
    while clock.monotonic() < until:
        clock.sleep(min(_PAUSE, until - clock.monotonic()))
        newest = run_probes([_at_once(probe) for probe in probes], deadline=None, clock=clock, defers=defers)
        bad = _red(newest)
        if bad:
            return newest, bad
        checks = newest
    return checks, []


def _at_once(probe: Probe) -> Probe:
    """The initial delay belongs to a fresh start."""
    return replace(probe, schedule=replace(probe.schedule, initial_delay=0.0))


def _settle(check: Check, fell: int, in_time: bool, stable_for: float) -> Check:
    if not in_time:
        message = f"good, but the deadline came before it was so for {format_duration(stable_for)}"
        return replace(check, status=UNKNOWN, reason=reasons.DEADLINE, message=message)
    if fell >= _TWICE and check.status == PASS:
        message = f"failed again {fell} times while it was watched; {check.message}"
        return replace(check, status=WARN, reason=reasons.FLAPPING, message=message)
    return replace(check, retried=check.retried or bool(fell))


def _red(checks: Sequence[Check]) -> list[int]:
    return [index for index, check in enumerate(checks) if check.status in (FAIL, UNKNOWN)]
