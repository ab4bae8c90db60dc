# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module evidence_verify: is everything what the custody log says?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.utils.display import Display

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.action import CustodyAction
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.anchor import (
    default_key,
    read_anchor,
    state_directory,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.capture import VERIFIED
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.home import book_of, find_incident
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.log import Event
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.seal import allowed_line, open_key
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.verify import Verified, verify
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence_policy import default_home

RELEASED = "released"
_STEP = 1 << 30  # bytes between two signs of life


class ActionModule(CustodyAction):
    """See the module's documentation."""

    options = {
        "allowed_signers": {"type": "str"},
        "head": {"type": "str", "default": ""},
        "record": {"type": "bool", "default": True},
        "released_to": {"type": "str", "default": ""},
    }

    def perform(self, args: dict[str, Any]) -> dict[str, Any]:
        directory = find_incident(args["home"] or default_home(), args["incident"])
        incident, allowed = os.path.basename(directory), self._allowed(args)
        _releasable(args)
        self._read = 0
        found = verify(directory, allowed, read_anchor(state_directory(), incident), args["head"], self._progress)
        result = {
            "incident": incident,
            "home": directory,
            "problems": [vars(problem) for problem in found.problems],
            "bags": list(found.bags),
            "bytes": self._read,
            "head": found.log.head if found.log else "",
            "records": len(found.log.records) if found.log else 0,
        }
        result.update(self._record(args, directory, allowed, found))
        if found.problems:
            shown = "; ".join(f"{problem.where} {problem.what}" for problem in found.problems)
            raise IncidentError(
                f"{incident} is not as it was recorded: {shown}.",
                "Change nothing there, and compare it with a backup.",
                result,
            )
        return {**result, "msg": f"{incident}: {len(found.bags)} bags are as they were recorded, {result['head']}"}

    def _allowed(self, args: dict[str, Any]) -> str:
        """Never the file in the evidence home: whoever can forge a log there can write that, too."""
        if args["allowed_signers"]:
            return Path(os.path.expanduser(args["allowed_signers"])).read_text(encoding="utf-8")
        try:
            return allowed_line("custody", open_key(os.path.expanduser(args["signing_key"] or default_key()), False))
        except IncidentError as error:
            raise IncidentError(
                f"{error.message} So nobody is known who may sign.",
                "Name a file as allowed_signers. The one beside the log is only a copy: compare it with what you know.",
            ) from error

    def _progress(self, count: int) -> None:
        before, self._read = self._read, self._read + count
        if self._read // _STEP > before // _STEP:
            Display().display(f"evidence_verify: {self._read // _STEP} GiB are read")

    def _record(self, args: dict[str, Any], directory: str, allowed: str, found: Verified) -> dict[str, Any]:
        """In the log itself, unless it is not to be trusted: who has verified it, and what was found."""
        if not args["record"] or self._task.check_mode:
            return {}
        if found.log is None:
            return {"note": "It is not on record: nothing is added to a log that cannot be relied on."}
        try:
            book = book_of(directory, args["signing_key"], args["who"], args["reason"])
        except IncidentError as error:
            return {"note": f"It is not on record: {error}"}
        if book.key.public not in allowed:
            return {"note": "It is not on record: the key of this controller is none of the allowed signers."}
        good = not found.problems
        events = [Event(VERIFIED, detail={"good": good, "problems": len(found.problems), "bags": len(found.bags)})]
        if args["released_to"] and good:
            events.append(Event(RELEASED, detail={"to": args["released_to"], "bags": list(found.bags)}))
        return {"changed": True, "head": book.append(lambda _records: events)}


def _releasable(args: dict[str, Any]) -> None:
    if args["released_to"] and not (args["record"] and args["reason"].strip()):
        raise IncidentError("To hand evidence over goes on record, with a reason.", "Set reason, and leave record on.")
