# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenMetrics, from the part of it that the older Prometheus text format shares: gauges.

A status is a set of series, one per word, of which one is 1: a check that turns red is another value, not another
series. Every sample carries the host, so that the files of a fleet may lie in one directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, STATUSES, WARN
from ansible_collections.toombos.incident.plugins.plugin_utils._render.report import Answer, Report

_Samples = Iterable[tuple[Mapping[str, str], float]]


def render(report: Report) -> str:
    """The exposition, closed by ``# EOF``."""
    host = {"host": report.host}
    timed = [(answer, answer.latency) for answer in report.answers if answer.latency is not None]
    lines = [
        *_family(
            "incident_verdict",
            "What the checks of a host add up to.",
            [({**host, "status": status}, status == report.verdict) for status in (PASS, WARN, FAIL)],
        ),
        *_family(
            "incident_check_status",
            "The status of a check: 1 for the one that it has.",
            [
                ({**host, **_identity(answer), "status": status}, status == answer.status)
                for answer in report.answers
                for status in STATUSES
            ],
        ),
        *_family(
            "incident_check_reason",
            "Why a check is what it is, always 1.",
            [({**host, **_identity(answer), "reason": answer.reason}, 1) for answer in report.answers],
        ),
        *_family(
            "incident_check_attempts",
            "How often the probe of a check was tried.",
            [({**host, **_identity(answer)}, answer.attempts) for answer in report.answers],
        ),
        *_family(
            "incident_check_latency_seconds",
            "How long the last attempt took.",
            [({**host, **_identity(answer)}, latency) for answer, latency in timed],
            unit="seconds",
        ),
    ]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _family(name: str, description: str, samples: _Samples, unit: str = "") -> Iterator[str]:
    yield f"# TYPE {name} gauge"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {description}"
    for labels, value in samples:
        shown = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
        yield f"{name}{{{shown}}} {float(value):g}"


def _identity(answer: Answer) -> dict[str, str]:
    return {"service": answer.service, "probe": answer.probe, "kind": answer.kind}


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
