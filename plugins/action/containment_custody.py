# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module containment_custody: an isolation, its proof and its end in the custody log."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.action import CustodyAction
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import CUSTODY
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.home import book_of, find_incident
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.isolation import write_isolation
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence_policy import default_home


class ActionModule(CustodyAction):
    """See the module's documentation."""

    options = {"result": {"type": "dict", "default": {}}, "proof": {"type": "dict", "default": {}}}

    def perform(self, args: dict[str, Any]) -> dict[str, Any]:
        try:
            directory = find_incident(args["home"] or default_home(), args["incident"])
        except IncidentError as error:
            return {"recorded": False, "msg": f"It is not on record: {error}"}
        if not os.path.exists(os.path.join(directory, CUSTODY)):
            return {"recorded": False, "msg": f"It is not on record: no incident is open in {directory}."}
        if self._task.check_mode:
            return {"recorded": False, "msg": "It would be put on record."}
        book = book_of(directory, args["signing_key"], args["who"], args["reason"])
        done = write_isolation(book, self._vars["inventory_hostname"], args["result"], args["proof"])
        recorded = bool(done.events)
        return {
            "changed": recorded,
            "recorded": recorded,
            "events": list(done.events),
            "head": done.head,
            "path": os.path.join(directory, done.file) if done.file else "",
            "msg": f"On record in {directory}: {', '.join(done.events) or 'nothing new'}",
        }
