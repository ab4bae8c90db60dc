# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module investigation_report: what was gathered, as a report with ranked hypotheses."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import parse_catalogue
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._announce import announce
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import read_incident
from ansible_collections.toombos.incident.plugins.plugin_utils._fleet import ALL_HEALTHY
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation import files, report, screen
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach_reading import read_breach
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import Fleet
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.investigation import (
    Asked,
    Investigation,
    investigate,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.reading import (
    clean,
    read_host,
    read_thresholds,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.symptoms import read_types
from ansible_collections.toombos.incident.plugins.plugin_utils._results import registered, terminal_width

STATUS = "investigation"
display = Display()


class ActionModule(ActionBase):
    """Reads registered results only; never connects."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(
        (
            "targets",
            "assessments",
            "logs",
            "indicators",
            "services",
            "only",
            "owner",
            "incident",
            "window",
            "thresholds",
            "external",
            "incident_types",
            "directory",
            "reports",
            "controller_checks",
            "verdict",
        )
    )

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        hostvars = (task_vars or {})["hostvars"]
        try:
            found = self._investigate(hostvars)
        except IncidentError as error:
            raise AnsibleError(str(error)) from error
        path, told = self._write(found, hostvars)
        verdict = _verdict(self._task.args.get("verdict") or {}, found, path)
        text = screen.render(found, told, terminal_width())
        # Whoever gave a verdict has shown its own text already, where no callback shows the last one.
        announce({**verdict, "text": text})
        before = str((self._task.args.get("verdict") or {}).get("text") or "")
        result.update(
            changed=False,
            msg=text.splitlines()[0],
            report=path,
            investigation=found.to_dict(),
            incident_verdict={**verdict, "text": f"{before}\n\n{text}" if before else text},
            ansible_stats={
                "data": {"incident_verdict": verdict["machine"]},
                "per_host": False,
                "aggregate": False,
            },
        )
        return result

    def _investigate(self, hostvars: Any) -> Investigation:
        args = self._task.args
        targets = args["targets"]
        assessments = registered(hostvars, targets, args["assessments"])
        scans = registered(hostvars, targets, args["logs"])
        breaches = registered(hostvars, targets, args["indicators"]) if args.get("indicators") else {}
        outside = args.get("controller_checks") or {}
        catalogues = _Catalogues(args.get("services") or "incident_services")
        hosts = tuple(
            read_host(
                host,
                assessments[host],
                scans[host],
                catalogues.of(hostvars[host]),
                outside.get(host) or (),
                read_breach(breaches.get(host)),
            )
            for host in targets
        )
        asked = Asked(
            incident=read_incident(args["incident"]) if args.get("incident") else "",
            owner=clean(args.get("owner") or "an unnamed run"),
            services=tuple(map(clean, args.get("only") or ())),
            window=clean(args.get("window") or "all of them"),
            now=time.time(),
        )
        external = frozenset(map(str, args.get("external") or ()))
        fleet = Fleet(hosts, read_thresholds(args.get("thresholds") or {}), external)
        return investigate(asked, fleet, read_types(args.get("incident_types") or {}))

    def _write(self, found: Investigation, hostvars: Any) -> tuple[str, str]:
        """The path of the report, empty when there is none, and what to say of it."""
        args = self._task.args
        wished = (hostvars[host].get(args.get("reports") or "incident_reports") for host in args["targets"])
        directory = files.directory_of(str(args.get("directory") or ""), wished, os.environ)
        try:
            path = files.write(directory, found.asked.incident, found.asked.now, report.render(found))
        except IncidentError as error:
            display.warning(f"There is no report: {error}")
            return "", f"was not written ({error})"
        return path, path


class _Catalogues:
    """The catalogues of hosts; equal ones are read once. One that cannot be read was refused long before."""

    def __init__(self, variable: str) -> None:
        self._variable = variable
        self._read: list[tuple[Any, Catalogue]] = []

    def of(self, known: Mapping[str, Any]) -> Catalogue | None:
        """That of a host, None where there is none."""
        try:
            declared = known.get(self._variable)
            same = next((catalogue for raw, catalogue in self._read if raw == declared), None)
            if same is None and declared:
                same = parse_catalogue(declared)
                self._read.append((declared, same))
            return same
        except (IncidentError, AnsibleError):
            return None


def _verdict(before: Mapping[str, Any], found: Investigation, path: str) -> dict[str, Any]:
    """The verdict of the triage with what the investigation adds."""
    machine = dict(before.get("machine") or {})
    well = found.well and machine.get("status", ALL_HEALTHY) == ALL_HEALTHY
    machine.update(
        status=ALL_HEALTHY if well else STATUS,
        severity=found.severity,
        hypotheses=[
            {"pattern": each.pattern, "score": each.score, "confidence": each.confidence}
            for each in found.ranking.hypotheses
        ],
        report=path,
    )
    return {"machine": machine, "ok": True}
