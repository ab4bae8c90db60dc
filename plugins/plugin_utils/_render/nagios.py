# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of a Nagios plugin: one line with performance data, below it a line per check; and its exit code.

CRITICAL (2) when anything has failed or is blocked, UNKNOWN (3) when all that is red was just not answered. Both are
the verdict ``fail``.
"""

from __future__ import annotations

from ansible_collections.toombos.incident.plugins.module_utils._probe.types import BLOCKED, FAIL, PASS, UNKNOWN, WARN
from ansible_collections.toombos.incident.plugins.plugin_utils._render.report import Report, one_line

WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_WORST_FIRST = (FAIL, UNKNOWN, BLOCKED, WARN)
_LONGEST = 300


def exit_code(report: Report) -> int:
    """0, 1, 2 or 3."""
    if report.verdict == PASS:
        return 0
    if report.verdict == WARN:
        return 1
    return 2 if report.counts[FAIL] or report.counts[BLOCKED] else 3


def render(report: Report) -> str:
    """``WORD - host: text | 'label'=value…``, then ``[status] service/probe reason: message`` per check."""
    counts, total = report.counts, len(report.answers)
    good = counts[PASS] + counts[WARN]
    text = f"{WORDS[exit_code(report)]} - {report.host or 'host'}: {good} of {total} checks pass"
    worst = [answer for status in _WORST_FIRST for answer in report.answers if answer.status == status]
    if worst:
        text += f"; {worst[0].name} {worst[0].reason}: {worst[0].message}"
    data = [f"{_label(status)}={count};;;0;{total}" for status, count in counts.items()]
    data += [
        f"{_label(answer.name)}={answer.latency:.4f}s;;;0;"
        for answer in report.answers
        if answer.latency is not None and answer.latency >= 0
    ]
    lines = [f"{_text(text)} | {' '.join(data)}"]
    lines += [
        _text(f"[{answer.status}] {answer.name} {answer.reason}: {answer.message}".rstrip(": "))
        for answer in report.answers
    ]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """One line, short enough for every transport, without the sign that begins performance data."""
    return one_line(text.replace("|", "/"), _LONGEST)


def _label(name: str) -> str:
    """A label in quotes. It may hold anything but the equals sign; a quote in it is doubled."""
    return "'" + one_line(name).replace("=", "_").replace("|", "/").replace("'", "''") + "'"
