# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module config_rollback: applies it, and confirms it over a connection that is new."""

from __future__ import annotations

from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._options import CONFIG_ROLLBACK
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.confirming import ConfirmingAction


class ActionModule(ConfirmingAction):
    """See the module's documentation."""

    module = "config_rollback"
    options = CONFIG_ROLLBACK

    def carry_out(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Both halves, unless only one is asked for."""
        if options["state"] != "confirmed" or options["token"]:
            return super().carry_out(options, task_vars)
        return self.roll_back(options, task_vars)
