# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module controller_probes: what users see, asked from where they are."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import PASS, WARN
from ansible_collections.toombos.incident.plugins.plugin_utils._controller_view import ask, questions


class ActionModule(ActionBase):
    """Asks over the network as anybody could; never connects to a host as Ansible does."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("targets", "only"))

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args, hostvars = self._task.args, (task_vars or {})["hostvars"]
        wanted = {}
        for host in args["targets"]:
            known = hostvars[host]
            try:
                # Reading them works out their templates.
                declared = (known["incident_services"], known.get("incident_host_probes") or {})
                wanted[host] = questions(*declared, args.get("only") or ())
            except (IncidentError, AnsibleError) as error:
                raise AnsibleError(f"{host}: {error}") from error
        checks = ask(wanted, Clock())
        answers = [check["status"] for each in checks.values() for check in each]
        good = sum(status in (PASS, WARN) for status in answers)
        result.update(changed=False, checks=checks, msg=f"{good} of {len(answers)} checks pass from the controller")
        return result
