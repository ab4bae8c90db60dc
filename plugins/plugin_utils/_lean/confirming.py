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
    """For actions that roll a configuration back."""

    def roll_back(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Apply, renew the connection, confirm. Whoever cannot reach the host any more cannot confirm."""
        result = self.call(MODULE, {**options, "state": "applied"}, task_vars)
        if not waits(result):
            return result
        asked = {**options, "state": "confirmed", "token": result["token"]}
        try:
            self._connection.reset()
            said = self.call(MODULE, asked, task_vars)
        except AnsibleConnectionFailure as error:
            said = {"unreachable": True, "msg": str(error)}
        except AnsibleError as error:
            said = {"failed": True, "msg": str(error)}
        return confirmed(result, said)
