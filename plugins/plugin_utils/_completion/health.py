# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A result of health_check in which checks are pending, with the verdict that follows when they are judged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import (
    parse_catalogue,
    parse_host_probes,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Check
from ansible_collections.toombos.incident.plugins.module_utils._probe.verdict import judge
from ansible_collections.toombos.incident.plugins.plugin_utils._completion.checks import (
    complete,
    conditions_of,
    is_pending,
)


def complete_health(result: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """``args``: the task's options, with which the host was asked. A result without pending checks stays as it is."""
    checks = result.get("checks", ())
    if not any(map(is_pending, checks)):
        return dict(result)
    catalogue = parse_catalogue(args["services"]) if args.get("services") else None
    services = catalogue.services.values() if catalogue else ()
    asked = [*parse_host_probes(args.get("probes") or {}), *(probe for each in services for probe in each.probes)]
    conditions = conditions_of(asked)
    verdict = judge([Check(**complete(check, conditions)) for check in checks], catalogue)
    failed = args["fail_when_unhealthy"] and verdict.status == "fail"
    return {
        **result,
        **({"failed": True} if failed else {}),
        "checks": [check.to_dict() for check in verdict.checks],
        "verdict": verdict.to_dict(),
        "msg": verdict.summary,
    }
