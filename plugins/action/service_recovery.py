# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module service_recovery: sends it as one small script."""

from __future__ import annotations

from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._options import SERVICE_RECOVERY
from ansible_collections.toombos.incident.plugins.plugin_utils._completion.recovery import complete_recovery
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.action import LeanAction


class ActionModule(LeanAction):
    """See the module's documentation."""

    module = "service_recovery"
    options = SERVICE_RECOVERY

    def complete(self, result: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        applied = options["state"] == "recovered" and not self._task.check_mode
        return complete_recovery(result, options, applied=applied)
