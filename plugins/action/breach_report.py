# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module breach_report: signs of a breach, as a table, a report and a record."""

from __future__ import annotations

import os
import time
from typing import Any

from ansible.utils.display import Display

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody import log
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.action import CustodyAction
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.home import book_of, find_incident
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import read_incident
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.verify import DERIVED
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence_policy import default_home
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation import breach_record as b, files
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach_reading import read_breach
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach_report import in_short
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.reading import clean
from ansible_collections.toombos.incident.plugins.plugin_utils._results import registered, terminal_width

FINDINGS = "findings"  # the event of the custody log
display = Display()


class ActionModule(CustodyAction):
    """See the module's documentation."""

    options = {
        "targets": {"type": "list", "elements": "str", "required": True},
        "indicators": {"type": "str", "required": True},
        "isolations": {"type": "str", "default": ""},
        "captures": {"type": "str", "default": ""},
        "record": {"type": "bool", "default": False},
        "contact": {"type": "str", "default": ""},
        "directory": {"type": "path", "default": ""},
        "reports": {"type": "str", "default": "incident_reports"},
    }

    def perform(self, args: dict[str, Any]) -> dict[str, Any]:
        found = self._situation(args)
        path, told = self._write(args, found)
        recorded = self._record(args, found) if args["record"] else {"recorded": False}
        lines = b.screen(found, told, terminal_width()).splitlines()
        display.display("\n".join(["", *lines]))
        return {
            **recorded,
            "changed": args["record"],
            "report": path,
            "counts": found.counts,
            "incomplete": found.incomplete,
            "not_isolated": found.of(b.FAILED),
            "lines": lines,
            "msg": in_short(found.searches),
        }

    def _situation(self, args: dict[str, Any]) -> b.Situation:
        hostvars, targets = self._vars["hostvars"], args["targets"]
        results = registered(hostvars, targets, args["indicators"])
        return b.Situation(
            incident=read_incident(args["incident"]) if args["incident"] else "",
            who=clean(args["who"] or "an unnamed run"),
            why=clean(args["reason"]),
            now=time.time(),
            targets=b.read_targets(
                targets,
                {host: read_breach(results[host]) for host in targets},
                registered(hostvars, targets, args["isolations"]) if args["isolations"] else {},
                registered(hostvars, targets, args["captures"]) if args["captures"] else {},
            ),
            contact=clean(args["contact"]),
        )

    def _write(self, args: dict[str, Any], found: b.Situation) -> tuple[str, str]:
        """The path of the report, empty when there is none, and what to say of it."""
        wished = (self._vars["hostvars"][host].get(args["reports"]) for host in args["targets"])
        directory = files.directory_of(args["directory"] or "", wished, os.environ)
        try:
            path = files.write(directory, found.incident, found.now, b.render(found))
        except IncidentError as error:
            display.warning(f"There is no report: {error}")
            return "", f"was not written ({error})"
        return path, path

    def _record(self, args: dict[str, Any], found: b.Situation) -> dict[str, Any]:
        """Keep the findings beside the packages, and their digest in the custody log."""
        directory = find_incident(args["home"] or default_home(), args["incident"])
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(found.now))
        # One file per run, never replaced: the custody log has the digest of each.
        name = f"{DERIVED}/findings-{stamp}-{os.urandom(4).hex()}.json"
        content = b.document(found)
        about = {"findings": os.path.join(directory, name), "sha256": log.digest(content)}
        if self._task.check_mode:
            return {**about, "recorded": False}
        book = book_of(directory, args["signing_key"], args["who"], args["reason"])
        book.records()  # raises before anything is written where no incident is open
        os.makedirs(os.path.join(directory, DERIVED), mode=0o700, exist_ok=True)
        write_atomic(about["findings"], content)
        detail = {
            "file": name,
            "sha256": about["sha256"],
            "counts": found.counts,
            "incomplete": found.incomplete,
            "isolated": found.of(b.ISOLATED),
            "not_isolated": found.of(b.FAILED, b.OPEN),
        }
        head = book.append(lambda _records: [log.Event(FINDINGS, detail=detail)])
        return {**about, "recorded": True, "head": head}
