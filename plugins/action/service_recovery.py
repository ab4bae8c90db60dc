# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module service_recovery: sends it as one small script, and climbs the ladder from there."""

from __future__ import annotations

from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._options import (
    CODE_ROLLBACK,
    CONFIG_ROLLBACK,
    CONFIG_SNAPSHOT,
    SERVICE_RECOVERY,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._completion.recovery import complete_recovery
from ansible_collections.toombos.incident.plugins.plugin_utils._ladder import (
    code_due,
    may_climb,
    to_prove,
    with_defaults,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.confirming import ConfirmingAction
from ansible_collections.toombos.incident.plugins.plugin_utils._rungs import helped, together


class ActionModule(ConfirmingAction):
    """See the module's documentation. What follows is done for the hosts that need it only: it costs calls."""

    module = "service_recovery"
    options = SERVICE_RECOVERY

    def carry_out(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        result = super().carry_out(options, task_vars)
        if self._task.async_val:
            return result
        for rung, climb in (("config", self._config), ("code", self._code)):
            below = climb(result, options, task_vars)
            if below:
                result = together(below, result, rung)
                if helped(below) and not self._task.check_mode:
                    result = together(self.complete(self._send(options, task_vars), options), result)
        proves = to_prove(result, options)
        if proves and not self._task.check_mode:
            asked = {"only": proves, "state": "proven", "reason": "ran well in a recovery", "deadline": "60s"}
            said = self.call("config_snapshot", with_defaults(CONFIG_SNAPSHOT, options, asked), task_vars)
            result["proven"] = [each["id"] for each in said.get("generations", ()) if each.get("proven")]
        return result

    def complete(self, result: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        applied = options["state"] == "recovered" and not self._task.check_mode
        return complete_recovery(result, options, applied=applied)

    def _config(self, result: dict[str, Any], options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The configuration that is known to be good; empty where that is not due."""
        names = may_climb(result, options)
        if not names:
            return {}
        asked = {"only": names, "to": options["rollback_to"], "reason": _why(options, result["ladder"][0]["reason"])}
        return self.roll_back(with_defaults(CONFIG_ROLLBACK, options, asked), task_vars)

    def _code(self, result: dict[str, Any], options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The release that is known to be good; empty where that is not due."""
        names = code_due(result, options)
        if not names:
            return {}
        why = _why(options, f"{', '.join(names)} did not come back by a restart")
        asked = {"only": names, "code": options["code"], "ref": "last_known_good", "reason": why}
        return {**self.call("code_rollback", with_defaults(CODE_ROLLBACK, options, asked), task_vars), "only": names}


def _why(options: dict[str, Any], otherwise: str) -> str:
    return str(options["reason"] or otherwise)[:200]
