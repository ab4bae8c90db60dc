# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module containment_gate: shows what would be isolated, and insists on an approval of it."""

from __future__ import annotations

import contextlib
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.toombos.incident.plugins.plugin_utils._containment_gate import Gate, gate
from ansible_collections.toombos.incident.plugins.plugin_utils._gateways import KNOWN, against

display = Display()


class ActionModule(ActionBase):
    """Reads registered results only; never connects."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(
        ("targets", "plans", "health", "standing", "keep_one_of", "approve", "force", "broken", "access")
    )

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args, variables = self._task.args, task_vars or {}
        hostvars, groups = variables["hostvars"], variables.get("groups", {})
        targets = list(args["targets"])
        peers = {
            host: (dict(hostvars[host].get(args["health"]) or {}), dict(hostvars[host].get(args["standing"]) or {}))
            for group in args.get("keep_one_of") or ()
            for host in groups.get(group, ())
            if host not in targets
        }
        plans = {host: dict(hostvars[host].get(args["plans"]) or {}) for host in targets}
        name = str(args.get("access") or "")
        # Where nothing is to be taken away the task was skipped; a host that was asked and does not answer is told.
        found = {host: dict(hostvars[host].get(name) or {"skipped": True}) for host in targets} if name else {}
        access = {host: said for host, said in found.items() if not said.get("skipped")}
        gateways = against(targets, {host: self._reached(host, variables) for host in hostvars})
        keep = list(args.get("keep_one_of") or ())
        asked = gate(
            plans,
            peers,
            groups,
            keep,
            force=bool(args.get("force")),
            gateways=gateways,
            access=access,
            broken=list(args.get("broken") or ()),
        )
        display.display("\n".join([f"PLAN {asked.plan_hash}", *asked.lines]))
        result.update(
            changed=False,
            plan_hash=asked.plan_hash,
            plan=list(asked.lines),
            hashes=dict(asked.hashes),
            overrides=list(asked.overrides),
            access_hashes=dict(asked.access_hashes),
            msg=f"{len(asked.hashes)} of {len(targets)} hosts can be isolated as planned",
        )
        if problem := _objection(asked, str(args.get("approve") or ""), rehearsal=bool(self._task.check_mode)):
            result.update(failed=True, msg=f"Nothing was changed. {problem}", refusals=list(asked.refusals))
        return result

    def _reached(self, host: str, variables: dict[str, Any]) -> dict[str, Any]:
        """How a host is reached. Its variables may refer to those of others, which it does not have in ``hostvars``."""
        raw = variables["hostvars"].raw_get(host)
        found = {name: raw[name] for name in KNOWN if name in raw}
        templar = self._templar.copy_with_new_env(available_variables={**variables, **raw, "inventory_hostname": host})
        for name, value in found.items():
            with contextlib.suppress(AnsibleError):  # what cannot be told is as it was written
                found[name] = templar.template(value)
        return found


def _objection(asked: Gate, approve: str, *, rehearsal: bool) -> str:
    if asked.refusals:
        return " ".join(asked.refusals)
    if rehearsal or approve == asked.plan_hash:
        return ""
    if not approve:
        return f"Read the plan above, and approve it with -e approve={asked.plan_hash}."
    return (
        f"{approve} was approved, and the plan is {asked.plan_hash} by now: the world has changed. Read the new one, "
        "and approve that."
    )
