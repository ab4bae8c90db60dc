# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verdict as text for a tired person: one table, the causes, the next step, and one line for machines."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration
from ansible_collections.toombos.incident.plugins.plugin_utils._fleet import (
    ALL_HEALTHY,
    CHECK_MODE,
    NOT_RECOVERED,
    PLAN_ONLY,
    RECOVERED,
    TRIAGE,
    FleetVerdict,
    Row,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import HEALTHY, Rollout

MACHINE = "INCIDENT_VERDICT"
_HEADINGS = ("HOST", "SERVICE", "WAS", "WHY", "DONE", "NOW", "TOOK")
_WHY = 3
_LEAST_WHY = 24

_TITLES = {
    ALL_HEALTHY: "HEALTHY: nothing was wrong, nothing was changed",
    RECOVERED: "RECOVERED: every probe says so",
    NOT_RECOVERED: "NOT RECOVERED",
    PLAN_ONLY: "PLAN ONLY: nothing was changed",
    CHECK_MODE: "CHECK MODE: nothing was changed",
    TRIAGE: "TRIAGE: nothing was changed",
}


def render(verdict: FleetVerdict, width: int = 120) -> str:
    """The whole text, without the machine-readable line."""
    count = len(verdict.hosts)
    good = count - len(verdict.red)
    lines = [f"{_TITLES[verdict.status]} - {good} of {count} hosts healthy, {format_duration(verdict.duration)}"]
    if verdict.rows:
        lines += ["", *table(verdict.rows, width)]
    lines += _section("The roll-out stopped", [verdict.stopped] if verdict.stopped else [], width)
    lines += _section("Root cause", [_cause(cause) for cause in verdict.root_causes], width)
    lines += _section("The glass was broken", list(verdict.overrides), width)
    lines += _section("Notes", list(verdict.notes), width)
    lines += _section("Next", list(verdict.next), width)
    return printable("\n".join(lines))


def machine_line(content: dict[str, object]) -> str:
    """The last line of a run: a marker and compact JSON with sorted keys."""
    return f"{MACHINE} {json.dumps(content, sort_keys=True, separators=(',', ':'))}"


def table(rows: Sequence[Row], width: int) -> list[str]:
    """Rows under headings, wrapped to ``width`` columns by the reason."""
    cells = [
        (
            row.host,
            row.service,
            row.was,
            row.why,
            row.done,
            row.now,
            "" if row.took is None else format_duration(row.took),
        )
        for row in rows
    ]
    return columns(_HEADINGS, cells, width, _WHY)


def columns(headings: Sequence[str], cells: Sequence[Sequence[str]], width: int, wrapped: int) -> list[str]:
    """Cells under headings, fitted to ``width`` by wrapping the column with the index ``wrapped``."""
    widths = [max(len(heading), *(len(line[index]) for line in cells)) for index, heading in enumerate(headings)]
    others = sum(widths) - widths[wrapped] + 2 * (len(widths) - 1)
    widths[wrapped] = min(widths[wrapped], max(_LEAST_WHY, width - others))
    lines = [_line(headings, widths)]
    for cell in cells:
        reasons = textwrap.wrap(cell[wrapped], widths[wrapped]) or [""]
        lines.append(_line((*cell[:wrapped], reasons[0], *cell[wrapped + 1 :]), widths))
        lines += [
            _line([reason if place == wrapped else "" for place in range(len(cell))], widths) for reason in reasons[1:]
        ]
    return lines


def render_plan(rollout: Rollout, width: int = 120) -> str:
    """The plan of a fleet: batches, then every host's steps in order."""
    sick = len(rollout.findings) - sum(finding.state == HEALTHY for finding in rollout.findings)
    if not rollout.hosts and not sick:
        return f"{len(rollout.findings)} of {len(rollout.findings)} hosts are healthy: nothing to do."
    batches = ", then ".join(str(size) for size in rollout.serial)
    lines = [
        f"Plan {rollout.plan_hash}: {len(rollout.hosts)} of {len(rollout.findings)} hosts, in batches of {batches}."
    ]
    if not rollout.hosts:
        lines = ["No host can be recovered automatically."]
    known = {finding.host: finding for finding in rollout.findings}
    rest = [
        finding.host for finding in rollout.findings if finding.host not in rollout.hosts and finding.state != HEALTHY
    ]
    for host in [*rollout.hosts, *rest]:
        finding = known[host]
        lines += textwrap.wrap(f"{host}: {finding.message}", width, subsequent_indent="  ")
        for number, step in enumerate(finding.steps, 1):
            text = f"{number}. {step['step']} {step['service']}".rstrip()
            lines += textwrap.wrap(f"{text} ({step['reason']})", width, initial_indent="  ", subsequent_indent="     ")
    return printable("\n".join(lines))


def _cause(cause: Mapping[str, str]) -> str:
    return f"{cause['host']}/{cause['service']} is {cause['condition']}: {cause['message']}"


def _section(title: str, entries: list[str], width: int) -> list[str]:
    if not entries:
        return []
    lines = ["", f"{title}:"]
    for entry in entries:
        lines += textwrap.wrap(entry, width, initial_indent="  ", subsequent_indent="    ")
    return lines


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
