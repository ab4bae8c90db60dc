# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module evidence_open: the custody log begins before a host is touched."""

from __future__ import annotations

import datetime
from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._custody.action import CustodyAction
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.anchor import state_directory
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.home import (
    book_of,
    find_incident,
    next_incident,
    open_incident,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence_policy import default_home


class ActionModule(CustodyAction):
    """See the module's documentation."""

    options = {"targets": {"type": "list", "elements": "str", "default": []}}

    def perform(self, args: dict[str, Any]) -> dict[str, Any]:
        home, today = args["home"] or default_home(), datetime.datetime.now(datetime.timezone.utc).date()
        if self._task.check_mode:
            name = args["incident"] or next_incident(home, state_directory(), today)
            directory = find_incident(home, name)
            return {"changed": True, **_where(directory), "msg": f"{directory} would be opened."}
        book = book_of("", args["signing_key"], args["who"], args["reason"], create_key=True)
        opened = open_incident(home, args["incident"], book, args["targets"], today)
        where = _where(opened.directory)
        return {
            "changed": True,
            **where,
            "opened": opened.new,
            "head": opened.head,
            "signer": book.actor.who,
            "fingerprint": book.key.fingerprint,
            "msg": f"{where['incident']} is {'open' if opened.new else 'joined'}: {opened.directory}, "
            f"signed with {book.key.fingerprint}.",
        }


def _where(directory: str) -> dict[str, str]:
    return {"incident": directory.rsplit("/", 1)[-1], "home": directory}
