# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict as the last thing on the screen, after the recap."""

from __future__ import annotations

DOCUMENTATION = r"""
name: verdict
type: aggregate
short_description: Prints the verdict of a recovery after the recap
version_added: "0.1.0"
description:
  - Prints what the run added up to as the last thing on the screen, and one machine-readable line after it.
  - Prints a refusal of the guard in the same place. Runs without a verdict are left alone.
requirements:
  - enable in configuration
author:
  - toombos.incident authors (@toombos)
"""

from typing import Any

from ansible import constants as C
from ansible.plugins.callback import CallbackBase

from ansible_collections.toombos.incident.plugins.plugin_utils._refusal import render_refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._results import terminal_width
from ansible_collections.toombos.incident.plugins.plugin_utils._screen import MACHINE, machine_line


class CallbackModule(CallbackBase):
    """Keeps the newest verdict that a task returned."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "toombos.incident.verdict"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._verdict: dict[str, Any] | None = None
        self._expected = False

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A run that begins with our guard owes a verdict."""
        del is_conditional
        self._expected = self._expected or task.action == "toombos.incident.guard"

    def v2_runner_on_ok(self, result: Any) -> None:
        """Look for a verdict."""
        self._keep(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Look for a refusal."""
        del ignore_errors
        self._keep(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print it."""
        del stats
        if self._verdict is not None:
            color = C.COLOR_OK if self._verdict["ok"] else C.COLOR_ERROR
            machine = self._verdict["machine"]
            text = self._verdict.get("text") or render_refusal(machine["problems"], terminal_width())
            self._display.display(text, color=color)
            self._display.display(machine_line(machine))
        elif self._expected:
            self._display.display(
                "NO VERDICT: the run ended before one was reached; see the errors above.", C.COLOR_ERROR
            )
            self._display.display(f'{MACHINE} {{"status":"no_verdict"}}')

    def _keep(self, result: Any) -> None:
        # result.result from core 2.19 on, result._result before.
        content = getattr(result, "result", None) or getattr(result, "_result", {})
        if isinstance(content.get("incident_verdict"), dict):
            self._verdict = content["incident_verdict"]
