# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the module access_revocation: from options to result."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._access import record as r, shown
from ansible_collections.toombos.incident.plugins.module_utils._access.engine import Done, Parts, revoke
from ansible_collections.toombos.incident.plugins.module_utils._access.logins import Look, choose
from ansible_collections.toombos.incident.plugins.module_utils._access.observe import observe
from ansible_collections.toombos.incident.plugins.module_utils._access.people import today
from ansible_collections.toombos.incident.plugins.module_utils._access.plan import asked, make_plan, plan_hash
from ansible_collections.toombos.incident.plugins.module_utils._access.processes import read_processes
from ansible_collections.toombos.incident.plugins.module_utils._access.restoring import judge, restore
from ansible_collections.toombos.incident.plugins.module_utils._access.shadow_file import read_shadow
from ansible_collections.toombos.incident.plugins.module_utils._access.types import Observed, Plan
from ansible_collections.toombos.incident.plugins.module_utils._access.wish import read_wish
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import recovery_lock
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

PLANNED, REVOKED, RESTORED, UNCHANGED, INCOMPLETE = "planned", "revoked", "restored", "unchanged", "incomplete"
_LEAST_REASON = 10  # characters


def change_access(params: Mapping[str, Any], check_mode: bool, etc: str = "/etc") -> dict[str, Any]:
    """The result of the module. Raises IncidentError for what must be refused, and for what could not be begun."""
    _check(params)
    parts = Parts(r.Records(str(params["store_dir"])), Clock(), etc)
    act = _restore if params["state"] == "restored" else _revoke
    if check_mode:
        return act(parts, params, True)
    who = f"{params['owner']} {params['incident']}".strip()
    patience = parse_duration(params["lock_timeout"])
    with recovery_lock(str(params["state_dir"]), who, patience=patience, clock=parts.clock, what="access"):
        return act(parts, params, False)


def _check(params: Mapping[str, Any]) -> None:
    restoring = params["state"] == "restored"
    if (restoring or params["force"]) and len(str(params["reason"]).strip()) < _LEAST_REASON:
        what = "Giving access back" if restoring else "force"
        raise IncidentError(
            f"{what} needs a reason of at least {_LEAST_REASON} characters.", "Say why, and who you are."
        )
    if restoring and not str(params["incident"]).strip():
        raise IncidentError("Giving access back needs the incident that it was taken for.", "Name it in incident.")


def _revoke(parts: Parts, params: Mapping[str, Any], rehearsal: bool) -> dict[str, Any]:
    wish = read_wish(params)
    known = parts.records.read()
    observed = observe(wish.lock_users, others=wish.others, etc=parts.etc)
    plan = make_plan(wish, observed, known, today())
    result = {**_empty(PLANNED), **shown.plan(plan), "plan_hash": plan_hash(wish)}
    if known is not None and (other := _other_incident(known, params)):
        result["notes"].append(f"{other.rstrip('.')}; what is added is given back together with that")
    overrides = _refuse(plan, params, result)
    result["overrides"] = overrides
    if rehearsal:
        words = "it is taken away already" if plan.empty else "it would be taken away"
        return {**result, "changed": not plan.empty, "msg": f"{PLANNED}: {words}", "diff": shown.difference(plan)}
    record = _with_overrides(known or _new(parts, params), overrides)
    done = revoke(parts, plan, record, _look(observed, plan))
    if done.changed:
        result["diff"] = shown.difference(plan)
    return _finished(result, done, REVOKED)


def _restore(parts: Parts, params: Mapping[str, Any], rehearsal: bool) -> dict[str, Any]:
    record = parts.records.read()
    result = _empty(PLANNED if rehearsal else UNCHANGED)
    if record is None:
        return {**result, "msg": f"{result['outcome']}: no access is taken away here"}
    other = _other_incident(record, params)
    if other and not params["force"]:
        raise IncidentError(f"Not restored: {other}", "Name that incident, or force: true with the reason.")
    if os.geteuid() != 0 and record.accounts:
        raise IncidentError("Only root may give access back.", "Run with become: true.")
    result["overrides"] = [other] if other else []
    back = judge(read_shadow(parts.etc), record) if record.accounts else None
    result["diff"] = shown.difference_back(record, sorted(back.wanted) if back else [])
    if rehearsal:
        findings = list(back.findings) if back else []
        return {**result, "changed": True, "findings": findings, "msg": f"{PLANNED}: it would be given back"}
    how = {key: params[key] for key in ("incident", "reason", "owner")}
    timeout = parse_duration(params["step_timeout"])
    done = restore(parts, record, {**how, "at": parts.clock.wall()}, timeout, force=bool(params["force"]))
    return _finished(result, done, RESTORED)


def _refuse(plan: Plan, params: Mapping[str, Any], result: dict[str, Any]) -> list[str]:
    """The refusals that were overridden. Raises IncidentError for the others."""
    firm = [each.message for each in plan.refusals if each.firm]
    soft = [each.message for each in plan.refusals if not each.firm]
    if firm or (soft and not params["force"]):
        way_out = "" if firm else " If it is meant all the same: force: true, with a reason."
        shown_then = {**result, "failed": True, "refusals": [*firm, *soft]}
        raise IncidentError(
            f"No access was taken away: {' '.join([*firm, *soft])}", f"Nothing was changed.{way_out}", shown_then
        )
    if params["approve"] and params["approve"] != result["plan_hash"]:
        raise IncidentError(
            f"The plan is {result['plan_hash']}, and {params['approve']} was approved: something is different by now.",
            "Nothing was changed. Look at the plan in check mode, and approve that.",
            {**result, "failed": True},
        )
    return soft


def _other_incident(record: r.Record, params: Mapping[str, Any]) -> str:
    asked_for = str(params["incident"]).strip()
    if not record.incident or record.incident == asked_for:
        return ""
    named = asked_for or "no incident"
    return f"access was taken away for {record.incident}, not for {named} ({record.who}: {record.reason})."


def _look(observed: Observed, plan: Plan) -> Look:
    """A look at the host while it is being changed: who asks, and what is asked, stay the same."""
    what = asked(plan.wish, observed)
    return lambda begun: choose(read_processes(), observed.responder, what, begun)


def _new(parts: Parts, params: Mapping[str, Any]) -> r.Record:
    return r.Record(
        id=os.urandom(8).hex(),
        incident=str(params["incident"]).strip(),
        reason=str(params["reason"]).strip(),
        who=str(params["owner"]),
        since=parts.clock.wall(),
    )


def _with_overrides(record: r.Record, overrides: list[str]) -> r.Record:
    return replace(record, overrides=tuple(dict.fromkeys([*record.overrides, *overrides])))


def _finished(result: dict[str, Any], done: Done, outcome: str) -> dict[str, Any]:
    outcome = INCOMPLETE if done.problem else outcome if done.changed else UNCHANGED
    record = done.record
    whose = f" for {record.incident}" if record is not None and record.incident else ""
    return {
        **result,
        **shown.of_record(record),
        **shown.more(done.more),
        "outcome": outcome,
        "changed": done.changed,
        "failed": bool(done.problem),
        "msg": f"{outcome}{whose}: {done.words}{'. ' if done.problem else ''}{done.problem}",
    }


def _empty(outcome: str) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "changed": False,
        "failed": False,
        "plan": [],
        "notes": [],
        "overrides": [],
        "accounts": [],
        "ended": [],
        "survivors": [],
        "steps": [],
        "findings": [],
    }
