# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A refusal as a task result: a clear message, and what the verdict on the screen needs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable


def refusal(error: IncidentError) -> dict[str, Any]:
    """Result keys of a run that must not begin."""
    problems = list(getattr(error, "problems", ())) or [str(error)]
    verdict = {"machine": {"status": "refused", "problems": problems}, "ok": False}
    return {"changed": False, "failed": True, "msg": str(error), "incident_verdict": verdict}


def render_refusal(problems: Iterable[str], width: int) -> str:
    """The refusal for the screen, one problem below the other."""
    lines = ["REFUSED: nothing was changed"]
    for problem in problems:
        lines += textwrap.wrap(problem, width, initial_indent="  ", subsequent_indent="    ")
    return printable("\n".join(lines))
