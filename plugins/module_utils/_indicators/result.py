# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as a result: JSON-ready, bounded, the worst first, with one line for people."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._indicators import baseline, types as t
from ansible_collections.toombos.incident.plugins.module_utils._indicators.judge import Judged
from ansible_collections.toombos.incident.plugins.module_utils._logs.stamps import as_text
from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration

_MOST = 500  # findings that are shown
_SESSIONS = 20
_HIDDEN = frozenset({"logs_in", "open", "packages_known", "signs"})
_BLIND = (t.TIMEOUT, t.ERROR, t.DENIED)


def to_result(
    judged: Sequence[Judged],
    about: Sequence[t.Finding],
    standing: baseline.Standing,
    sessions: list[dict[str, Any]],
    seconds: float,
) -> dict[str, Any]:
    """``findings``, ``counts``, ``checks``, ``baseline``, ``sessions``, ``complete``, ``msg``."""
    findings = sorted((*about, *(each for one in judged for each in one.findings)), key=lambda finding: finding.rank)
    counts = dict.fromkeys(t.SEVERITIES, 0)
    for finding in findings:
        counts[finding.oddity.severity] += 1
    result: dict[str, Any] = {
        "findings": [to_dict(finding) for finding in findings[:_MOST]],
        "findings_left_out": max(0, len(findings) - _MOST),
        "counts": counts,
        "checks": {each.check: each.to_dict() for each in judged},
        "baseline": standing.to_dict(),
        "sessions": sorted(sessions, key=_latest, reverse=True)[:_SESSIONS],
        "complete": all(each.outcome in t.COMPLETE for each in judged),
        "duration": round(seconds, 3),
    }
    return {**result, "msg": summary(result, findings)}


def to_dict(finding: t.Finding) -> dict[str, Any]:
    """One finding."""
    facts = {key: value for key, value in finding.item.facts.items() if key not in _HIDDEN}
    return {
        **facts,
        "id": finding.id,
        "check": finding.check,
        "severity": finding.oddity.severity,
        "title": finding.oddity.title,
        "detail": finding.oddity.detail,
        "seen": [as_text(each) for each in finding.item.seen],
        "supports": list(finding.supports),
    }


def session(item: t.Item) -> dict[str, Any]:
    """A user from one place, as ``last`` and ``who`` know it."""
    facts = item.facts
    last = as_text(item.seen[-1]) if item.seen else None
    return {
        "user": facts["user"],
        "origin": facts["origin"],
        "logins": facts["count"],
        "last": last,
        "now": facts["now"],
    }


def of_baseline(standing: baseline.Standing) -> list[t.Finding]:
    """One that is not as it was left is a finding itself."""
    if standing.state in (baseline.PRESENT, baseline.NONE):
        return []
    message = standing.message or baseline.SHOWN[standing.state]
    detail = f"{standing.path}: nothing is compared with it"
    item = t.Item(standing.state, facts={"path": standing.path})
    return [t.Finding("baseline", t.Oddity(t.HIGH, message[0].upper() + message[1:], detail), item)]


def summary(result: Mapping[str, Any], findings: Sequence[t.Finding]) -> str:
    """``2 critical, 1 high: /tmp/x gives …; not looked at: packages (timeout); no baseline; 11 checks in 4.2s``."""
    counts = [f"{count} {severity}" for severity, count in result["counts"].items() if count]
    worst = f": {findings[0].oddity.title}" if findings and findings[0].oddity.severity != t.INFO else ""
    checks: Mapping[str, Mapping[str, Any]] = result["checks"]
    blind = [f"{name} ({each['outcome']})" for name, each in checks.items() if each["outcome"] in _BLIND]
    parts = [f"{', '.join(counts)}{worst}" if counts else "nothing was found"]
    if blind:
        parts.append(f"not looked at to the end: {', '.join(blind)}")
    unsaid = [name for name, each in checks.items() if each["outcome"] == t.NO_BASELINE]
    if unsaid:
        parts.append(f"without a baseline: {', '.join(unsaid)}")
    parts.append(f"{len(checks)} checks in {format_duration(result['duration'])}")
    return "; ".join(parts)


def _latest(entry: Mapping[str, Any]) -> tuple[bool, str]:
    return (entry["now"], entry["last"] or "")
