# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of the module containment_proof: asks before and after an isolation, from both sides, and judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._options import CONTAINMENT_PROOF
from ansible_collections.toombos.incident.plugins.plugin_utils._lean.confirming import ConfirmingAction
from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable
from ansible_collections.toombos.incident.plugins.plugin_utils._proof import proof, round as r
from ansible_collections.toombos.incident.plugins.plugin_utils._proof.judge import DISPROVED, HELD, PROVED, Answer
from ansible_collections.toombos.incident.plugins.plugin_utils._proof.probes import from_witness

display = Display()
_LONGEST = 200  # characters of what a host says


class ActionModule(ConfirmingAction):
    """See the module's documentation."""

    module = "containment_proof"
    options = CONTAINMENT_PROOF
    _supports_async = False  # the controller has its part in it

    def carry_out(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"changed": False, "failed": False, **self._phase(options, task_vars)}
        except (IncidentError, OSError) as error:
            return {"changed": False, "failed": True, "msg": str(error)}
        except (ValueError, TypeError, LookupError, AttributeError) as error:  # whoever is root there can say anything
            said = printable(repr(error))[:_LONGEST]
            return {"changed": False, "failed": True, "msg": f"The host says what cannot be understood: {said}."}

    def _phase(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        def host(more: Mapping[str, Any]) -> dict[str, Any]:
            return self.call(self.module, {**options, "before": {}, "witnessed": {}, **more}, task_vars)

        def anew(more: Mapping[str, Any]) -> dict[str, Any]:
            return self.anew(self.module, {**options, "before": {}, "witnessed": {}, **more}, task_vars)

        if options["phase"] == "witness":
            return self._testimony(options, host)
        if options["phase"] == "before":
            found = proof.before(host, self._name(task_vars))
            seen = [each["seen"] for each in found["answers"]]
            open_now = len(seen) - seen.count("silent") - seen.count("not_made")
            return {"before": found, "msg": f"{open_now} of {len(seen)} probes are answered before the isolation"}
        if self._task.check_mode:
            return {"skipped": True, "msg": "Nothing was isolated, so that there is nothing to prove."}
        earlier = options["witnessed"]
        found = proof.after(anew, options["before"], earlier.get("after") or {}, earlier.get("before") or {})
        return _told(found, str(task_vars.get("inventory_hostname", "")))

    def _testimony(self, options: dict[str, Any], host: Any) -> dict[str, Any]:
        probes = [
            probe
            for each in options["targets"]
            for probe in from_witness([str(address) for address in each["addresses"]], int(each["port"]))
        ]
        said = host({"targets": [r.wire(probe, probe.port) for probe in probes]})
        if said.get("failed") or "witnessed" not in said:
            raise IncidentError(f"The witness could not be asked: {said.get('msg')}.", "Name another one, or none.")
        answers = [Answer(probe, *map(str, seen)) for probe, seen in zip(probes, said["witnessed"], strict=False)]
        return {"answers": [r.as_dict(each) for each in answers], "msg": f"{len(answers)} probes of a witness"}

    def _name(self, task_vars: dict[str, Any]) -> str:
        for option in ("host", "remote_addr"):
            try:
                name = self._connection.get_option(option)
            except (KeyError, AttributeError):
                continue
            if name:
                return str(name)
        return str(task_vars.get("inventory_hostname", ""))


def _told(found: dict[str, Any], name: str) -> dict[str, Any]:
    counts = found["counts"]
    words = {
        PROVED: "isolated, and proved",
        DISPROVED: "NOT ISOLATED AS IT SHOULD BE. The isolation stays; cut the host off from outside",
    }.get(found["outcome"], "isolated, and not proved")
    held = ", ".join(cell for cell, verdict in found["cells"].items() if verdict == HELD)
    told = f"{words}: {counts['held']} probes were open and are cut ({held or 'none'})"
    told += f", {counts['says_nothing']} say nothing, {counts['not_made']} could not be made"
    if found["against"]:
        told += f". {'; '.join(found['against'][:8])}"
    if found["outcome"] != PROVED:
        display.warning(f"{name}: {told}")
    severity = {"findings": [{"severity": "critical", "what": each} for each in found["against"]]}
    disproved = found["outcome"] == DISPROVED
    return {"proof": {**found, **(severity if disproved else {"findings": []})}, "outcome": found["outcome"],
            "failed": disproved, "msg": f"{told}."}  # fmt: skip
