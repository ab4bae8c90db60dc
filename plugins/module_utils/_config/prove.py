# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proving a configuration: the services that run on it are assessed several times in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Proof
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Assessment, Engine, Request


@dataclass(frozen=True)
class Verdict:
    """What has come of a service: its proof, or why there is none."""

    proof: Proof | None
    why: str = ""


def prove(engine: Engine, request: Request, rounds: int, interval: float, clock: Clock) -> dict[str, Verdict]:
    """Service → verdict, for the services that are asked for. Looks ``rounds`` times, ``interval`` seconds apart.

    A proof needs every round to be healthy, with one and the same process, that was started on the files in place.
    """
    seen: list[tuple[float, Assessment]] = []
    for number in range(rounds):
        if number:
            clock.sleep(interval)
        seen.append((clock.wall(), engine.assess(request)))
    return {name: _judge(name, seen) for name in request.names}


def _judge(name: str, seen: Sequence[tuple[float, Assessment]]) -> Verdict:
    for number, (_at, assessment) in enumerate(seen, 1):
        found = assessment.found[name]
        if not found.healthy:
            return Verdict(None, f"is {found.condition} in round {number} of {len(seen)}: {found.message}")
    roots = {assessment.root(name) for _at, assessment in seen}
    if None in roots or len(roots) != 1:
        return Verdict(None, "its process was replaced meanwhile, or cannot be seen")
    last_at, last = seen[-1]
    observed = last.view.services[name]
    if not observed.proves or not all(assessment.view.services[name].proves for _at, assessment in seen):
        return Verdict(None, "its process is older than the files in place: it runs on something else")
    checks: tuple[Mapping[str, str], ...] = tuple(
        {"service": check.service, "probe": check.probe, "status": check.status} for check in observed.checks
    )
    started = last_at - (observed.age or 0.0)
    return Verdict(Proof(len(seen), seen[0][0], last_at, checks, {name: started}))
