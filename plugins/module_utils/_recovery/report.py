# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery as plain data: what the module returns and the verdict is made from."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Check
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t, unsteady
from ansible_collections.toombos.incident.plugins.module_utils._recovery.diagnose import root_causes
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Recovery

NEXT_AFTER_ATTEMPTS = "Escalate: the automatic remedies of this recovery are used up."


def to_dict(
    catalogue: Catalogue, recovery: Recovery, *, applied: bool, flapping: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The result of ``service_recovery``, JSON-ready. ``applied`` is False for assessments and check mode.

    ``flapping``: services whose health has changed too often over several runs, with a sentence each.
    """
    plan = recovery.before.plan
    return {
        "changed": recovery.changed if applied else plan.changes,
        "recovered": recovery.after.healthy,
        "verdict": verdict(catalogue, recovery.after.found),
        "services": [
            {**_service(catalogue, recovery, name), "flapping": _flapping(recovery, name, flapping or {})}
            for name in recovery.before.scope
        ],
        "host_checks": [_check(check) for check in recovery.after.view.host_checks],
        "plan": [step.to_dict() for step in plan.steps],
        "plan_hash": plan.hash,
        "steps": [result.to_dict() for result in recovery.steps],
        "worsened": list(recovery.worsened),
        "ladder": _ladder(recovery),
        "unproven": _unproven(recovery),
        "msg": summary(catalogue, recovery),
    }


def _ladder(recovery: Recovery) -> list[dict[str, str]]:
    """What is left to do on the next rung, and on which service."""
    plan = recovery.after.plan
    return [step.to_dict() for step in plan.steps if step.step == t.ROLL_BACK_CONFIG]


def _unproven(recovery: Recovery) -> list[str]:
    """Healthy services that run on a configuration which is not known to be good yet, and would prove it."""
    after = recovery.after
    return [name for name in after.scope if after.view.services[name].proves and after.found[name].healthy]


def verdict(catalogue: Catalogue, found: Mapping[str, t.Diagnosis]) -> dict[str, Any]:
    """Status of the host with its root causes; the first is *the* root cause."""
    causes = [
        {"service": cause.service, "condition": cause.condition, "message": cause.message, "next": cause.next}
        for cause in root_causes(catalogue, found)
    ]
    return {
        "status": "healthy" if all(diagnosis.healthy for diagnosis in found.values()) else "unhealthy",
        "root_cause": causes[0] if causes else None,
        "root_causes": causes,
    }


def summary(catalogue: Catalogue, recovery: Recovery) -> str:
    """One line for people."""
    scope, after = recovery.before.scope, recovery.after
    if after.healthy:
        touched = [name for name in scope if _action(recovery, name) in ("started", "restarted")]
        if not touched:
            return f"all {len(scope)} services are healthy"
        return f"all {len(scope)} services are healthy; brought back: {', '.join(touched)}"
    if recovery.worsened:
        names = ", ".join(recovery.worsened)
        what = f"{names} was healthy before and was not touched"
        return f"stopped, because it got worse: {what}; {_root(catalogue, after.found)}"
    return unhealthy(catalogue, after.found)


def unhealthy(catalogue: Catalogue, found: Mapping[str, t.Diagnosis]) -> str:
    """One line for people about services of which some are not healthy."""
    sick = [name for name, diagnosis in found.items() if not diagnosis.healthy]
    return f"{len(sick)} of {len(found)} services are not healthy; {_root(catalogue, found)}"


def _root(catalogue: Catalogue, found: Mapping[str, t.Diagnosis]) -> str:
    cause = root_causes(catalogue, found)[0]
    return f"root cause: {cause.service} is {cause.condition}: {cause.message}"


def _service(catalogue: Catalogue, recovery: Recovery, name: str) -> dict[str, Any]:
    before, after = recovery.before.found[name], recovery.after.found[name]
    done = [result for result in recovery.steps if result.service == name]
    refusals = [step.reason for step in recovery.after.plan.of(name) if step.step == t.REFUSE]
    follow_up = after.next
    if not after.healthy and (recovery.attempts or {}).get(name):
        follow_up = f"{after.next} {NEXT_AFTER_ATTEMPTS}".strip()
    return {
        "name": name,
        "tier": catalogue.services[name].tier,
        "condition": after.condition,
        "message": after.message,
        "next": follow_up,
        "refusal": refusals[0] if refusals else "",
        "before": {"condition": before.condition, "message": before.message},
        "action": _action(recovery, name),
        "attempts": (recovery.attempts or {}).get(name, 0),
        "duration": round(sum(result.duration for result in done), 3),
        "listeners": [
            {"address": each.address, "port": each.port, "pids": list(each.pids)}
            for each in recovery.after.view.services[name].listeners
        ],
        "checks": [_check(check) for check in recovery.after.view.services[name].checks],
    }


def _flapping(recovery: Recovery, name: str, over_runs: Mapping[str, str]) -> str:
    seen = recovery.after.view.services[name]
    return "; ".join(filter(None, [over_runs.get(name, ""), unsteady.restarted(seen)]))


def _action(recovery: Recovery, name: str) -> str:
    done = {result.step for result in recovery.steps if result.service == name and result.status != "skipped"}
    if t.START in done:
        return "restarted" if done & {t.STOP, t.END_PROCESSES} else "started"
    if done & {t.STOP, t.END_PROCESSES}:
        return "stopped"
    if any(step.step == t.REFUSE for step in recovery.after.plan.of(name)):
        return "refused"
    return "none"


def _check(check: Check) -> dict[str, Any]:
    return check.to_dict()
