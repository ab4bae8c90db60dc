# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON: everything, as it is."""

from __future__ import annotations

import json

from ansible_collections.toombos.incident.plugins.plugin_utils._render.report import Report


def render(report: Report) -> str:
    """An object: host, verdict ({status, counts}), message, checks in order. ASCII, so that no reader stumbles."""
    content = {
        "host": report.host,
        "verdict": {"status": report.verdict, "counts": report.counts},
        "message": report.message,
        "checks": [answer.__dict__ for answer in report.answers],
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"
