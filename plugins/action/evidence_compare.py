# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module evidence_compare: what died on a host between two captures of it."""

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.home import find_incident
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.bag_view import BagView
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.compare import choose, compare, render
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.export import Incident
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.standing import standing_of
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence_policy import default_home
from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable
from ansible_collections.toombos.incident.plugins.plugin_utils._results import terminal_width

_OPTIONS = {
    "incident": {"type": "str", "default": ""},
    "home": {"type": "str"},
    "host": {"type": "str"},
    "before": {"type": "str", "default": ""},
    "after": {"type": "str", "default": ""},
}


class ActionModule(ActionBase):
    """Reads files of the controller; never connects."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(argument_spec=_OPTIONS)
        host = args["host"] or (task_vars or {})["inventory_hostname"]
        try:
            incident = Incident(find_incident(args["home"] or default_home(), args["incident"]))
            names = choose(incident, host, args["before"], args["after"])
            then, now = (standing_of(BagView(os.path.join(incident.directory, name))) for name in names)
        except (IncidentError, OSError) as error:
            return {**result, "changed": False, "failed": True, "msg": str(error)}
        found, gone = compare(then, now)
        text = printable(render(found, gone, terminal_width()))
        Display().display(f"DIFFERENCE of {host}, {names[0]} to {names[1]}\n{text}")
        died = ", ".join(f"{len(each.died)} {each.kind}" for each in found)
        return {
            **result,
            "changed": False,
            "host": host,
            "before": names[0],
            "after": names[1],
            "differences": {each.kind: each.to_dict() for each in found},
            "not_compared": gone,
            "text": text,
            "msg": f"{host}: gone are {died or 'things that could not be compared'}",
        }
