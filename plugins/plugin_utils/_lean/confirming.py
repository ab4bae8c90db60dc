# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of the confirm window: a change is confirmed over a connection that is new, or it is undone."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.toombos.incident.plugins.plugin_utils._confirm import confirmed, waits
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.action import LeanAction

MODULE = "config_rollback"


class ConfirmingAction(LeanAction):
    """For actions that change a host so that it goes back unless they confirm it."""

    def roll_back(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Apply, renew the connection, confirm. Whoever cannot reach the host any more cannot confirm."""
        result = self.call(MODULE, {**options, "state": "applied"}, task_vars)
        if not waits(result):
            return result
        asked = {**options, "state": "confirmed", "token": result["token"]}
        return confirmed(result, self.anew(MODULE, asked, task_vars))

    def anew(self, module: str, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the module says over a connection that is new; that there is none is an answer as well."""
        try:
            self._connection.reset()
            return self.call(module, options, task_vars)
        except AnsibleConnectionFailure as error:
            return {"unreachable": True, "msg": str(error)}
        except AnsibleError as error:
            return {"failed": True, "msg": str(error)}
