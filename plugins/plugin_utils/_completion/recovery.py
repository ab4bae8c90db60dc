# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A result of service_recovery in which checks are pending, with what follows when they are judged. Pure.

The recovery itself is over then: what turns red here was not, and will not be, restarted for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import (
    parse_catalogue,
    parse_host_probes,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import PASS, WARN
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.module_utils._recovery.report import unhealthy, verdict
from ansible_collections.toombos.incident.plugins.plugin_utils._completion.checks import (
    Conditions,
    complete,
    conditions_of,
    is_pending,
)

NEXT = (
    "A JMESPath condition is judged on the controller when the recovery is over, so that nothing was restarted for it: "
    "look at the service, and install python3-jmespath on the host, or use expect.json, so that recoveries see it."
)


def complete_recovery(result: Mapping[str, Any], args: Mapping[str, Any], *, applied: bool) -> dict[str, Any]:
    """``args``: the task's options; ``applied``: the host was to be recovered, not only looked at.

    A result without pending checks stays as it is.
    """
    checks = [
        *result.get("host_checks", ()),
        *(check for each in result.get("services", ()) for check in each["checks"]),
    ]
    if not any(map(is_pending, checks)):
        return dict(result)
    catalogue = parse_catalogue(args["services"])
    questions = [*parse_host_probes(args["host_probes"] or {})]
    questions += [probe for service in catalogue.services.values() for probe in service.probes]
    conditions = conditions_of(questions)
    services = [_service(entry, conditions) for entry in result["services"]]
    full = {
        **result,
        "host_checks": [complete(check, conditions) for check in result["host_checks"]],
        "services": services,
    }
    if [each["condition"] for each in services] == [each["condition"] for each in result["services"]]:
        return full
    found = {
        each["name"]: t.Diagnosis(each["name"], each["condition"], each["message"], each["next"]) for each in services
    }
    failed = {"failed": True} if applied else {}
    return {
        **full, **failed, "recovered": False, "verdict": verdict(catalogue, found), "msg": unhealthy(catalogue, found),
    }  # fmt: skip


def _service(entry: Mapping[str, Any], conditions: Conditions) -> dict[str, Any]:
    checks = [complete(check, conditions) for check in entry["checks"]]
    full = {**entry, "checks": checks}
    red = [check for check in checks if check["status"] not in (PASS, WARN)]
    if entry["condition"] != t.HEALTHY or not red:
        return full
    asked = any(check["reason"] != reasons.CANNOT_RUN for check in red)
    said = "; ".join(f"{check['probe']}: {check['reason']}, {check['message']}" for check in red)
    now = {"condition": t.FAILING if asked else t.UNKNOWN, "message": said if asked else f"could not be asked: {said}"}
    # Where nothing was done, the beginning and the end are the same look.
    same = entry["before"]["condition"] == t.HEALTHY and entry["action"] == "none"
    return {**full, **now, "next": NEXT, "before": now if same else entry["before"]}
