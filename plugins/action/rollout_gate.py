# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module rollout_gate: at the head of each batch, open only on proof."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.toombos.incident.plugins.plugin_utils._results import preserved_of, registered
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import before_batch, gate

display = Display()


class ActionModule(ActionBase):
    """Reads registered results only; never connects."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("hosts", "results", "evidence", "opened", "captures"))

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        known = task_vars or {}
        args = self._task.args
        try:
            before = before_batch(args["hosts"], known["ansible_play_batch"])
            if self._task.check_mode:
                opened, reason = True, "check mode: nothing is applied, so nothing can get worse"
            else:
                opened, reason = gate(registered(known["hostvars"], before, args["results"]))
                objection = preserved_of(args, known["hostvars"], args["hosts"]).objection
                opened, reason = (False, objection) if objection else (opened, reason)
        except ValueError as error:
            opened, reason = False, str(error)
        if not opened:
            display.warning(f"The roll-out stops here: {reason}.")
        result.update(changed=False, open=opened, reason=reason, msg=f"{'open' if opened else 'CLOSED'}: {reason}")
        return result
