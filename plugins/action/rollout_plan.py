# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module rollout_plan: from the assessments of a fleet to its roll-out."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._announce import announce
from ansible_collections.toombos.incident.plugins.plugin_utils._inputs import Refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._refusal import refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._results import registered, rollout_of, terminal_width
from ansible_collections.toombos.incident.plugins.plugin_utils._screen import render_plan

display = Display()


class ActionModule(ActionBase):
    """Reads registered results only; never connects."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("targets", "assessments", "inputs", "policy"))

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args, hostvars = self._task.args, (task_vars or {})["hostvars"]
        assessments = registered(hostvars, args["targets"], args["assessments"])
        rollout = rollout_of(args, assessments)
        approve, plan_only = args["inputs"].get("approve"), args["inputs"].get("plan_only")
        display.display(render_plan(rollout, terminal_width()))
        try:
            if approve and approve != rollout.plan_hash and not plan_only:
                changed = (
                    f"The approved plan is {approve}, but the plan is now {rollout.plan_hash}: the world has changed."
                )
                raise Refusal([f"{changed} Look at it with -e plan=only and approve the new one."])
        except IncidentError as error:
            result.update(refusal(error))
            announce(result["incident_verdict"])
            return result
        hosts = [] if plan_only else list(rollout.hosts)
        result.update(changed=False, hosts=hosts, serial=list(rollout.serial) or [1], plan_hash=rollout.plan_hash)
        result["msg"] = f"{len(rollout.hosts)} of {len(rollout.findings)} hosts have something to recover"
        return result
