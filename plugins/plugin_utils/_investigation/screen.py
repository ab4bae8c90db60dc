# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An investigation on the screen: what a person reads before opening the report. Pure."""

from __future__ import annotations

import textwrap

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach_report import (
    on_screen as breach_lines,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.investigation import Investigation
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.report import conclusion
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.steps import next_step
from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable
from ansible_collections.toombos.incident.plugins.plugin_utils._screen import columns

_HEADINGS = ("", "HYPOTHESIS", "SCORE", "CONFIDENCE", "HOSTS", "BECAUSE")
_BECAUSE = 5
_LONGEST = 200  # characters of it


def render(found: Investigation, report: str, width: int) -> str:
    """``report``: where it was written, or why it was not."""
    severity = f"; suggested severity {found.severity}" if found.severity else ""
    top = found.ranking.top
    lines = [f"INVESTIGATION: {top.title.lower() if top else 'no hypothesis'}{severity}"]
    if top:
        lines += ["", *columns(_HEADINGS, _rows(found), width, _BECAUSE)]
        step = next_step(top, found.fleet)
        lines += ["", *textwrap.wrap(f"Next: {step.words}", width, subsequent_indent="  "), f"  {step.command}"]
    else:
        lines += textwrap.wrap(conclusion(found), width, initial_indent="  ", subsequent_indent="  ")
    lines += [
        f"  Noticed, but too weak: {lead.title.lower()} ({', '.join(sign.says for sign in lead.supporting)})"
        for lead in found.ranking.leads
    ]
    lines += _breach(found, width)
    return printable("\n".join([*lines, "", f"Report: {report}"]))


def _breach(found: Investigation, width: int) -> list[str]:
    searches = [(host.name, host.breach) for host in found.fleet.hosts]
    if not any(search.asked for _host, search in searches):
        return []
    return ["", *breach_lines(searches, width)]


def _rows(found: Investigation) -> list[tuple[str, ...]]:
    affected = len(found.ranking.affected)
    rows: list[tuple[str, ...]] = []
    for place, each in enumerate(found.ranking.hypotheses, 1):
        best = each.supporting[0]
        fact = best.evidence[0]
        where = f"{fact.host}/{fact.service}" if fact.service else fact.host
        sure = f"{each.confidence} (logs)" if each.only_in_logs else each.confidence
        because = textwrap.shorten(f"{best.says}: {where} {fact.text}", _LONGEST, placeholder=" …")
        rows.append((str(place), each.title, f"{each.score:.1f}", sure, f"{len(each.hosts)} of {affected}", because))
    return rows
