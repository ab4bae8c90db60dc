# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module containment: isolates, and confirms it over a connection that is new."""

from __future__ import annotations

from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._options import CONTAINMENT
from ansible_collections.toombos.incident.plugins.plugin_utils._containing import both, concluded, waits
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.confirming import ConfirmingAction


class ActionModule(ConfirmingAction):
    """See the module's documentation."""

    module = "containment"
    options = CONTAINMENT

    def carry_out(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Both halves, unless only one is asked for."""
        if options["state"] != "confirmed" or options["token"]:
            return super().carry_out(options, task_vars)
        first = self.call(self.module, {**options, "state": "isolated"}, task_vars)
        if not waits(first):
            return concluded(first)
        asked = {**options, "state": "confirmed", "token": first["token"]}
        return both(first, self.anew(self.module, asked, task_vars))
