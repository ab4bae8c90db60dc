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
  - Prints a refusal of the guard in the same place, and says so when a run ends without a verdict.
  - Playbooks without the guard are left alone.
requirements:
  - enable in configuration
author:
  - toombos.incident authors (@toombos)
"""

from typing import Any

from ansible import constants as C
from ansible.plugins.callback import CallbackBase

from ansible_collections.toombos.incident.plugins.plugin_utils._announce import CALLBACK, show
from ansible_collections.toombos.incident.plugins.plugin_utils._screen import machine_line

GUARD = "toombos.incident.guard"


class CallbackModule(CallbackBase):
    """Keeps the verdict of every run of a guard, None while it is owed."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = CALLBACK
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._verdicts: list[dict[str, Any] | None] = []

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A play with the guard owes a verdict, also when --start-at-task or a tag leaves the guard out."""
        if any(task.action == GUARD for task in _flat(play.tasks)):
            self._verdicts.append(None)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """So does a guard that a play includes."""
        del is_conditional
        if task.action == GUARD and (not self._verdicts or self._verdicts[-1] is not None):
            self._verdicts.append(None)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Look for a verdict."""
        self._keep(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Look for a refusal."""
        del ignore_errors
        self._keep(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print them. One command may run several playbooks, each with its own end."""
        del stats
        for verdict in self._verdicts:
            if verdict is not None:
                show(verdict)
            else:
                self._display.display(
                    "NO VERDICT: the run ended before one was reached; see the messages above.", color=C.COLOR_ERROR
                )
                self._display.display(machine_line({"status": "no_verdict"}))
        self._verdicts = []

    def _keep(self, result: Any) -> None:
        # result.result from core 2.19 on, result._result before.
        content = getattr(result, "result", None) or getattr(result, "_result", {})
        if content.get("verdict_owed") is False and self._verdicts[-1:] == [None]:
            self._verdicts.pop()
        if isinstance(content.get("incident_verdict"), dict):
            self._verdicts[-1:] = [content["incident_verdict"]]


def _flat(entries: Any) -> Any:
    """The tasks of nested blocks."""
    for entry in entries:
        if hasattr(entry, "block"):
            yield from _flat(entry.block)
        else:
            yield entry
