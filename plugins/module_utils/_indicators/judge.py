# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a check saw to findings and one outcome: compared with a baseline where there is one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Mapping, Optional

from ansible_collections.toombos.incident.plugins.module_utils._indicators import types as t
from ansible_collections.toombos.incident.plugins.module_utils._indicators.checks import LOGS, Check

Known = Optional[Mapping[str, str]]  # key → value; None: the baseline does not have this check, or there is none
_MARKS = (("late", t.TIMEOUT), ("error", t.ERROR), ("denied", t.DENIED))
_TOLD = 10


@dataclass(frozen=True)
class Judged:
    """How a check ended. ``compared``: ``baseline``, ``declared``, or ``heuristics`` where nothing says what is new."""

    check: str
    outcome: str
    findings: tuple[t.Finding, ...]
    compared: str
    message: str
    looked: int
    known: int
    duration: float

    def to_dict(self) -> dict[str, object]:
        """One entry of the result's checks."""
        return {
            "outcome": self.outcome,
            "findings": len(self.findings),
            "compared": self.compared,
            "message": self.message,
            "looked_at": self.looked,
            "known": self.known,
            "duration": self.duration,
        }


def judge(
    check: Check, reading: t.Reading, baseline: Known, declared: Callable[[t.Item], bool], complete_list: bool
) -> Judged:
    """``declared``: whether somebody expects the item; ``complete_list``: what is not declared is new.

    What the baseline or somebody knows as it is, is no finding, however odd.
    """
    findings, known = [], 0
    for item in reading.items:
        if declared(item) or (baseline is not None and baseline.get(item.key) == item.value):
            known += 1
            continue
        oddity = _oddity(check, item, baseline, complete_list)
        if oddity is not None:
            findings.append(t.Finding(check.name, oddity, item, _supports(check, item)))
    compared = "baseline" if baseline is not None else "declared" if complete_list else "heuristics"
    if reading.ended and baseline is not None and check.new is not None:
        findings += _gone(check, reading, baseline)
    findings.sort(key=lambda finding: finding.rank)
    needs = check.new is not None and compared == "heuristics"
    outcome = _outcome(reading, findings, needs)
    message = _message(reading, outcome)
    return Judged(check.name, outcome, tuple(findings), compared, message, len(reading.items), known, reading.duration)


def _oddity(check: Check, item: t.Item, baseline: Known, complete_list: bool) -> t.Oddity | None:
    odd = check.odd(item)
    other: t.Oddity | None = None
    if check.new is not None and (baseline is not None or complete_list):
        if baseline is not None and item.key in baseline:
            other = check.changed(item, baseline[item.key]) if check.changed is not None else None
        else:
            other = check.new(item)
    if odd is None or other is None:
        return odd or other
    worse = min(odd.severity, other.severity, key=t.SEVERITIES.index)
    return replace(odd, severity=worse, detail="; ".join(filter(None, (odd.detail, "not in the baseline"))))


def _gone(check: Check, reading: t.Reading, baseline: Mapping[str, str]) -> list[t.Finding]:
    """What the baseline has and the host has not: seldom an intruder's work, and worth a line."""
    # Who has not logged in lately is not gone. What could not be read is not gone either.
    if check.name == "logins" or any(reading.told(kind) for kind, _outcome in _MARKS):
        return []
    there = {item.key for item in reading.items}
    gone = [key for key in sorted(baseline) if key not in there]
    return [
        t.Finding(check.name, t.Oddity(t.INFO, f"{key} is gone", "it is in the baseline"), t.Item(key), check.supports)
        for key in gone
    ]


def _outcome(reading: t.Reading, findings: list[t.Finding], needs_baseline: bool) -> str:
    """One word: what was not looked at weighs more than what was found, for it could be worse."""
    if not reading.ended:
        return t.TIMEOUT
    for kind, outcome in _MARKS:
        if reading.told(kind):
            return outcome
    if findings:
        return t.FOUND
    if not reading.items and reading.told("absent"):
        return t.ABSENT
    return t.NO_BASELINE if needs_baseline else t.CLEAN


def _message(reading: t.Reading, outcome: str) -> str:
    parts = [] if reading.ended else ["there was no time to look at all of it"]
    for kind, title in (("late", ""), ("error", ""), ("denied", "not permitted: "), ("absent", ""), ("note", "")):
        told = reading.told(kind)
        if told:
            more = f" and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
            parts.append(f"{title}{'; '.join(told[:_TOLD])}{more}")
    if outcome == t.NO_BASELINE:
        parts.insert(0, "without a baseline nothing can be new; what is there is not odd in itself")
    return "; ".join(parts)


def _supports(check: Check, item: t.Item) -> tuple[str, ...]:
    if check.name == LOGS and item.facts.get("services"):
        return tuple(f"service_logs/{name}" for name in item.facts["services"])
    return check.supports
