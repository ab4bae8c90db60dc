# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions around the custody log have in common: they work on the controller and never connect."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

ABOUT_THE_LOG: dict[str, Any] = {
    "incident": {"type": "str", "default": ""},
    "home": {"type": "str"},
    "signing_key": {"type": "str", "no_log": False},
    "who": {"type": "str"},
    "reason": {"type": "str", "default": ""},
}


class CustodyAction(ActionBase):  # type: ignore[misc] # ansible is not typed
    """``options``: beside those about the log. A refusal becomes a failed task that says how to go on."""

    _requires_connection = False
    _supports_check_mode = True
    options: dict[str, Any]

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(argument_spec={**ABOUT_THE_LOG, **self.options})
        self._vars = task_vars or {}
        try:
            return {**result, "changed": False, **self.perform(args)}
        except (IncidentError, OSError) as error:
            known = error.result if isinstance(error, IncidentError) else {}
            return {**result, "changed": False, **known, "failed": True, "msg": str(error)}

    def perform(self, args: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - what every action does its own way
        """The result. Raises IncidentError, OSError."""
        raise AssertionError
