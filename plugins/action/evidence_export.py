# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module evidence_export: what the bags of an incident hold, in the formats of other tools."""

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.export import FORMATS, Incident, export

_OPTIONS = {
    "directory": {"type": "path", "required": True},
    "bags": {"type": "list", "elements": "str", "default": []},
    "formats": {"type": "list", "elements": "str", "choices": list(FORMATS), "default": list(FORMATS)},
}


class ActionModule(ActionBase):
    """Works on files of the controller; never connects."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(argument_spec=_OPTIONS)
        try:
            incident = Incident(os.path.abspath(args["directory"]))
            made = export(incident, args["bags"], args["formats"], write=not self._task.check_mode)
        except (IncidentError, OSError) as error:
            return {**result, "changed": False, "failed": True, "msg": str(error)}
        sealed = [] if args["bags"] else incident.sealed
        records = sum(each.written for each in made)
        result.update(
            changed=any(each.changed for each in made),
            files=[vars(each) for each in made],
            sealed=sealed,
            msg=f"{len(made)} files with {records} records; {len(sealed)} sealed bags were left out",
        )
        return result
