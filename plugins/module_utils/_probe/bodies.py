# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions on whole bodies: health reports of the IETF format, metrics, and JMESPath expressions."""

from __future__ import annotations

import json
import math
from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.exposition import parse_samples, select
from ansible_collections.toombos.incident.plugins.module_utils._probe.json_path import same, show
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import Condition, MetricCondition
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, WARN

# draft-inadarei-api-health-check, section 3.1, with the synonyms that it allows.
_HEALTH = {"pass": PASS, "ok": PASS, "up": PASS, "warn": WARN, "fail": FAIL, "error": FAIL, "down": FAIL}
_MOST = 3  # components that are named


def judge_health(document: Any) -> tuple[str, str]:
    """Status and words of an ``application/health+json`` document; what is not one is a failure."""
    word = document.get("status") if isinstance(document, Mapping) else None
    status = _HEALTH.get(word.lower(), "") if isinstance(word, str) else ""
    if not status:
        return FAIL, f"status is {json.dumps(show(word))}, which is no word of a health report"
    if status == PASS:
        return PASS, "reports that it is well"
    culprits = _culprits(document.get("checks"))
    said = document.get("output") or document.get("description")
    details = "; ".join(culprits[:_MOST]) or (str(said) if isinstance(said, str) else "")
    return status, f"reports {word}{': ' + details if details else ''}"[:300]


def _culprits(checks: Any) -> list[str]:
    found = []
    for name, entries in checks.items() if isinstance(checks, Mapping) else ():
        for entry in entries if isinstance(entries, list) else [entries]:
            status = entry.get("status") if isinstance(entry, Mapping) else None
            if isinstance(status, str) and _HEALTH.get(status.lower(), FAIL) != PASS:
                value = (
                    f" = {show(entry['observedValue'])} {entry.get('observedUnit', '')}"
                    if "observedValue" in entry
                    else ""
                )
                output = f" ({show(entry['output'])})" if entry.get("output") else ""
                found.append(f"{name} {status}{value.rstrip()}{output}")
    return found


def judge_metrics(text: str, conditions: Sequence[MetricCondition]) -> tuple[str, str, dict[str, Any]] | None:
    """The first condition that does not hold, as reason, words and what was seen; None when all hold.

    Every series that fits must be within the bounds; one that is not there is a failure.
    """
    try:
        samples = parse_samples(text)
    except ValueError as error:
        return reasons.BAD_BODY, f"the body is not in a metrics format: {error}", {}
    for condition in conditions:
        series = select(samples, condition.name, dict(condition.labels))
        if not series:
            return reasons.BAD_BODY, f"there is no metric {condition.text}", {}
        for sample in series:
            if not _within(sample.value, condition):
                labels = ",".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items()))
                name = f"{sample.name}{{{labels}}}" if labels else sample.name
                return (
                    reasons.OVER_LIMIT,
                    f"{name} is {sample.value:g}, not {bounds(condition)}",
                    {name: f"{sample.value:g}"},
                )
    return None


def judge_jmespath(document: Any, conditions: Sequence[Condition]) -> tuple[str, str, dict[str, Any]] | None:
    """The same for JMESPath expressions. Where jmespath is not installed the question was not asked."""
    try:
        import jmespath  # type: ignore[import-untyped] # lazily: few hosts have it
    except ImportError:
        way_out = "install python3-jmespath there, use expect.json, or ask from the controller"
        return reasons.CANNOT_RUN, f"jmespath is not installed on this host: {way_out}", {}
    for condition in conditions:
        try:
            value = jmespath.search(condition.path, document)
        except jmespath.exceptions.JMESPathError as error:
            return reasons.BAD_BODY, f"{condition.path}: {error}".splitlines()[0][:200], {}
        if not any(same(value, accepted) for accepted in condition.values):
            wanted = " or ".join(json.dumps(accepted) for accepted in condition.values)
            return (
                reasons.BAD_BODY,
                f"{condition.path} is {json.dumps(show(value))}, not {wanted}",
                {condition.path: show(value)},
            )
    return None


def _within(value: float, condition: MetricCondition) -> bool:
    if math.isnan(value):
        return False
    if condition.equals is not None and value != condition.equals:
        return False
    return (condition.min is None or value >= condition.min) and (condition.max is None or value <= condition.max)


def bounds(condition: MetricCondition) -> str:
    """The bounds in words."""
    words = [
        f"{word} {limit:g}"
        for word, limit in (("", condition.equals), ("at least", condition.min), ("at most", condition.max))
        if limit is not None
    ]
    return " and ".join(words).strip()
