# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module health_reports: what the run found, as files for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._report_files import Wish, read_wish, write_reports
from ansible_collections.toombos.incident.plugins.plugin_utils._results import last_words, registered

_LONGEST = 30.0  # seconds for all files: a dead mount must not keep the verdict from the screen
display = Display()


class ActionModule(ActionBase):
    """Reads registered results only; never connects, never fails."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("targets", "assessments", "results", "reports", "controller_checks"))

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args, hostvars = self._task.args, (task_vars or {})["hostvars"]
        self._problems: dict[str, str] = {}
        wanted = self._wanted(hostvars, args)
        files = self._write(wanted, self._results(hostvars, args)) if wanted else []
        for problem, host in self._problems.items():
            display.warning(f"No reports for {host}: {problem}")
        result.update(changed=False, files=files, problems=list(self._problems), msg=f"{len(files)} files were written")
        return result

    def _wanted(self, hostvars: Any, args: Mapping[str, Any]) -> dict[str, Wish]:
        """Per target what it asks for. A problem that many hosts have is told once."""
        found = {}
        for host in args["targets"]:
            try:
                wish = read_wish(hostvars[host].get(args["reports"]))
            except (IncidentError, AnsibleError) as error:
                self._problems.setdefault(str(error), host)
                continue
            if wish is not None:
                found[host] = wish
        return found

    def _results(self, hostvars: Any, args: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        targets, outside = args["targets"], args.get("controller_checks") or {}
        last = last_words(
            registered(hostvars, targets, args["assessments"]), registered(hostvars, targets, args["results"])
        )
        return {host: {**result, "controller_checks": outside.get(host, ())} for host, result in last.items()}

    def _write(self, wanted: Mapping[str, Wish], results: Mapping[str, Mapping[str, Any]]) -> list[str]:
        files: list[str] = []

        def write_all() -> None:
            for host, wish in wanted.items():
                try:
                    files.extend(write_reports(wish, host, results[host]))
                except Exception as error:  # noqa: BLE001 - whatever it is, no recovery fails for a report
                    self._problems.setdefault(str(error), host)

        clock = Clock()
        try:
            call_by(clock.monotonic() + _LONGEST, clock, write_all)
        except Overdue:
            self._problems[f"writing them takes longer than {_LONGEST:g}s"] = "all hosts"
        return list(files)
