# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module evidence_capture: custody, the way home, verification."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._lean.basic import COMPLETES
from ansible_collections.toombos.incident.plugins.module_utils._options import EVIDENCE_CAPTURE
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.capture import Request, capture
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.home import book_of, find_incident, next_bag
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import read_incident
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.package import host_directory
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.transport import CutOff
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.definitions import built_in, parse_artifacts
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.selection import select, wire
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence_policy import default_home
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.action import LeanAction

_OURS = frozenset({"home", "signing_key", "who", "artifacts"})  # options that say nothing to a host


class ActionModule(LeanAction):
    """See the module's documentation."""

    module = "evidence_capture"
    options = EVIDENCE_CAPTURE
    _supports_async = False  # somebody has to fetch it

    def carry_out(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._vars = task_vars
        try:
            return self._capture(options, task_vars["inventory_hostname"])
        except (IncidentError, OSError) as error:
            known = error.result if isinstance(error, IncidentError) else {}
            return {**known, "failed": True, "msg": str(error)}
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _capture(self, options: dict[str, Any], host: str) -> dict[str, Any]:
        incident = read_incident(options["incident"])
        directory = find_incident(options["home"] or default_home(), incident)
        sealed_with = (options["seal"] or {}).get("method", "none")
        if "secret" in options["keep"] and sealed_with == "none":
            raise IncidentError("What is secret is kept only in sealed bags.", "Set seal, or leave secret out of keep.")
        known = {each.name: each for each in (*built_in(), *parse_artifacts(options["artifacts"]))}
        # The host chooses in the same way, also among those of services; what means nothing is refused here already.
        lists = (options["only"], options["exclude"], options["services"])
        chosen = select(known.values(), options["profile"], *lists)
        sent = {name: value for name, value in options.items() if name not in _OURS}
        sent.update(incident=incident, definitions=[wire(each) for each in known.values()])
        if self._task.check_mode:
            bag = next_bag(directory, (), host)
            host_directory(options["directory"], bag)
            return self.run_module({**sent, "bag": bag})
        book = book_of(directory, options["signing_key"], options["who"], options["reason"])
        sent["requested"] = {
            "who": book.actor.who,
            "controller": book.actor.controller,
            "reason": book.actor.why,
            "incident": incident,
        }
        about = {
            "artifacts": len(chosen),
            "sealed_with": sealed_with,
            **{key: options[key] for key in ("profile", "keep")},
        }
        request = Request(host, options["directory"], sealed_with, options["transfer"], about)
        found = capture(request, sent, book, _Machine(self))
        return {**found, "incident": incident, "home": directory}

    def run_module(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._execute_module(module_args={**sent, COMPLETES: True}, task_vars=self._vars)
        return found


class _Machine:
    """The host, as the connection of the task reaches it."""

    def __init__(self, action: ActionModule) -> None:
        self._action = action

    def run(self, wire: Mapping[str, Any]) -> dict[str, Any]:
        return self._action.run_module(wire)

    def fetch(self, path: str, to: str) -> None:
        """As the user who has logged in: with become it would go through memory, as text."""
        try:
            self._action._connection.fetch_file(path, to)
        except (AnsibleError, OSError) as error:
            raise CutOff(str(error)) from error

    def remove(self, path: str) -> str:
        try:
            done = self._action._low_level_execute_command(f"rm -rf -- {shlex.quote(path)}")
        except AnsibleError as error:
            return str(error)
        return str(done.get("stderr") or done.get("stdout") or "it failed") if done.get("rc") else ""

    def wall(self) -> float:
        return time.time()
