# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the assessments of a fleet mean for its roll-out: who needs it, in which order, in which batches."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HEALTHY = "healthy"
SICK = "sick"  # and something can be done
REFUSED = "refused"  # sick, and every remedy is refused: a person is needed
UNREACHABLE = "unreachable"
FAILED = "failed"  # the assessment itself failed

_MUTATING = frozenset({"stop", "end_processes", "clear_temp", "start", "roll_back_config"})


@dataclass(frozen=True)
class Finding:
    """What is known of a host after its assessment. ``result`` is the module's result, empty when there is none."""

    host: str
    state: str
    message: str
    result: Mapping[str, Any]

    @property
    def steps(self) -> list[Mapping[str, str]]:
        """The steps planned for it."""
        return list(self.result.get("plan", ()))


@dataclass(frozen=True)
class Rollout:
    """The hosts to recover in order, and the sizes of the batches that hold them."""

    findings: tuple[Finding, ...]
    hosts: tuple[str, ...]
    serial: tuple[int, ...]
    plan_hash: str


def classify(host: str, result: Mapping[str, Any] | None) -> Finding:
    """A registered result, or the lack of one, as a finding. What is not known to be healthy is not healthy."""
    if not isinstance(result, Mapping) or result.get("skipped"):
        return Finding(host, FAILED, "was not assessed", {})
    if result.get("unreachable"):
        return Finding(host, UNREACHABLE, _line(result.get("msg"), "cannot be reached"), {})
    if result.get("failed") or "verdict" not in result:
        return Finding(host, FAILED, _line(result.get("msg"), "the assessment failed"), {})
    if result["verdict"].get("status") == HEALTHY:
        return Finding(host, HEALTHY, _line(result.get("msg"), HEALTHY), result)
    steps = {step["step"] for step in result.get("plan", ())}
    # Waiting below a refusal is waiting for a person: such a host would close the gate for those that can be helped.
    actionable = bool(steps & _MUTATING or ("wait_ready" in steps and "refuse" not in steps))
    return Finding(host, SICK if actionable else REFUSED, _line(result.get("msg"), "not healthy"), result)


def plan_rollout(
    findings: Sequence[Finding], canary: int, batches: Sequence[int | str], forced: bool = False
) -> Rollout:
    """Canary first, then batches. ``forced``: hosts with a plan are included although they are healthy.

    The first host is one that really needs the recovery: a canary that has nothing to do proves nothing.
    """
    needing = [finding.host for finding in findings if finding.state == SICK]
    if forced:
        needing += [finding.host for finding in findings if finding.state == HEALTHY and finding.steps]
    essence = [
        [finding.host, [[step["step"], step["service"]] for step in finding.steps]]
        for finding in sorted(findings, key=lambda each: each.host)
        if finding.host in needing
    ]
    digest = hashlib.sha256(json.dumps(essence, separators=(",", ":")).encode()).hexdigest()[:16]
    return Rollout(tuple(findings), tuple(needing), sizes(len(needing), canary, batches), digest)


def sizes(total: int, canary: int, batches: Sequence[int | str]) -> tuple[int, ...]:
    """Batch sizes that add up to ``total``; percentages are of the total, rounded down but at least one host.

    The canary comes first unless the first batch is as small; the last size is repeated until all are placed.
    """
    wanted = [_size(batch, total) for batch in batches]
    if canary and wanted[0] > canary:
        wanted.insert(0, canary)
    found: list[int] = []
    left = total
    while left > 0:
        size = min(left, wanted[min(len(found), len(wanted) - 1)])
        found.append(size)
        left -= size
    return tuple(found)


def before_batch(hosts: Sequence[str], batch: Sequence[str]) -> tuple[str, ...]:
    """The hosts of the roll-out that come before the batch. Raises ValueError naming a host that is not planned."""
    places = {host: place for place, host in enumerate(hosts)}
    strangers = [host for host in batch if host not in places]
    if strangers:
        raise ValueError(f"{', '.join(strangers)} is not part of the plan")
    return tuple(hosts[: min((places[host] for host in batch), default=0)])


def proven(result: Mapping[str, Any]) -> bool:
    """Whether the module says, without an error, that probes have proven the host healthy."""
    return result.get("recovered") is True and not result.get("failed") and not result.get("unreachable")


def gate(treated: Mapping[str, Mapping[str, Any] | None]) -> tuple[bool, str]:
    """Whether the next batch may begin: only when probes have proven every host treated so far healthy.

    Reads nothing but the module's own result: a rescue, an ignored error or a skipped task leaves no proof.
    """
    for host, result in treated.items():
        if not isinstance(result, Mapping):
            return False, f"{host} has no result"
        if result.get("unreachable"):
            return False, f"{host} became unreachable"
        if not proven(result):
            return False, f"{host} did not recover: {_line(result.get('msg'), 'no reason given')}"
    return True, f"{len(treated)} hosts are proven healthy" if treated else "the canary goes first"


def _size(batch: int | str, total: int) -> int:
    if isinstance(batch, str):
        return max(1, math.floor(total * int(batch.rstrip("%")) / 100))
    return batch


def _line(text: Any, otherwise: str) -> str:
    return " ".join(str(text).split()) if text else otherwise
