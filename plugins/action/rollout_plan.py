# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module rollout_plan: from the assessments of a fleet to its roll-out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._announce import announce
from ansible_collections.toombos.incident.plugins.plugin_utils._approvals import differences, directory, remember
from ansible_collections.toombos.incident.plugins.plugin_utils._policy import Refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._refusal import refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._results import registered, rollout_of, terminal_width
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import Rollout
from ansible_collections.toombos.incident.plugins.plugin_utils._screen import render_plan
from ansible_collections.toombos.incident.plugins.plugin_utils._storm import storm

display = Display()


def _insist_on_approval(approve: str | None, rollout: Rollout, plans: str) -> None:
    if approve and approve != rollout.plan_hash:
        what = differences(plans, approve, rollout)
        changed = (
            f"The approved plan is {approve}, but the plan is now {rollout.plan_hash}: the world has changed ({what})."
        )
        raise Refusal([f"{changed} Look at it with -e plan=only and approve the new one."])


def _brake(args: Mapping[str, Any], rollout: Rollout) -> list[str]:
    """What the glass was broken for. Raises Refusal when a common cause is suspected."""
    policy = args["policy"]
    suspicion = storm(rollout.findings, policy["max_unhealthy"], policy["storm_hosts"]) if rollout.hosts else ""
    if suspicion and not args["inputs"].get("break_glass"):
        raise Refusal([suspicion])
    return [f"restarted in a storm: {suspicion.partition(' Look there')[0]}"] if suspicion else []


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
        plan_only = args["inputs"].get("plan_only")
        display.display(render_plan(rollout, terminal_width()))
        rehearsed = plan_only or self._task.check_mode
        plans = directory(os.environ)
        try:
            if rehearsed:
                remember(plans, rollout)
                overrides = []
            else:
                _insist_on_approval(args["inputs"].get("approve"), rollout, plans)
                overrides = _brake(args, rollout)
        except IncidentError as error:
            result.update(refusal(error))
            announce(result["incident_verdict"])
            return result
        hosts = [] if plan_only else list(rollout.hosts)
        result.update(changed=False, hosts=hosts, serial=list(rollout.serial) or [1], plan_hash=rollout.plan_hash)
        result["overrides"] = overrides
        result["msg"] = f"{len(rollout.hosts)} of {len(rollout.findings)} hosts have something to recover"
        return result
