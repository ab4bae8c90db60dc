# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the result of ``ioc_scan``. What is missing or malformed is a problem that is told, never a clean host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach import (
    SEVERITIES,
    Blind,
    Breach,
    Finding,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.reading import clean

_BLIND = ("denied", "timeout", "error")
_KNOWN = (*_BLIND, "clean", "found", "no_baseline", "absent")


def read_breach(result: Any) -> Breach:
    """What was registered; None or a skipped task: nobody asked."""
    if not isinstance(result, Mapping) or result.get("skipped"):
        return Breach()
    findings, checks = result.get("findings"), result.get("checks")
    if result.get("unreachable") or result.get("failed"):
        return Breach(asked=True, problem=clean(result.get("msg")) or "the search failed")
    if not isinstance(findings, (list, tuple)) or not isinstance(checks, Mapping) or not checks:
        return Breach(asked=True, problem="the search returned no result")
    baseline = result.get("baseline")
    left_out = result.get("findings_left_out")
    read = tuple(_finding(each) for each in findings if isinstance(each, Mapping))
    return Breach(
        asked=True,
        findings=tuple(sorted(read, key=lambda each: SEVERITIES.index(each.severity))),
        left_out=left_out if isinstance(left_out, int) else 0,
        blind=tuple(each for name, check in checks.items() if (each := _blind(name, check)) is not None),
        compared=isinstance(baseline, Mapping) and baseline.get("state") == "present",
        message=clean(result.get("msg")),
    )


def _finding(raw: Mapping[str, Any]) -> Finding:
    severity = clean(raw.get("severity"))
    supports = raw.get("supports")
    return Finding(
        # One of no known severity is never made a harmless one.
        severity=severity if severity in SEVERITIES else SEVERITIES[0],
        check=clean(raw.get("check")),
        title=clean(raw.get("title")) or "a finding without words",
        detail=clean(raw.get("detail")),
        supports=tuple(map(clean, supports)) if isinstance(supports, (list, tuple)) else (),
    )


def _blind(name: Any, check: Any) -> Blind | None:
    outcome = clean(check.get("outcome")) if isinstance(check, Mapping) else ""
    if outcome in _KNOWN and outcome not in _BLIND:
        return None
    message = clean(check.get("message")) if isinstance(check, Mapping) else ""
    return Blind(clean(name), outcome or "error", message)
