# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the module containment: from options to result."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._containment import outcomes as o, revert, types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.engine import Done, Request
from ansible_collections.toombos.incident.plugins.module_utils._containment.filters import cut
from ansible_collections.toombos.incident.plugins.module_utils._containment.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._containment.observe import observe
from ansible_collections.toombos.incident.plugins.module_utils._containment.plan import plan as make_plan
from ansible_collections.toombos.incident.plugins.module_utils._containment.record import Record
from ansible_collections.toombos.incident.plugins.module_utils._containment.wish import read_wish
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment
from ansible_collections.toombos.incident.plugins.module_utils._ssh_session import connection_of
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

_GOOD = (o.PLANNED, o.UNCHANGED, o.CONFIRMED, o.ISOLATED, o.RELEASED)
_LEAST_REASON = 10  # characters
_SHORTEST, _LONGEST = 2.0, 3600.0  # seconds of a window


def contain(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of the module containment. Raises IncidentError for what must be refused; nothing was changed."""
    state, token = params["state"], params["token"]
    _check(params)
    function = f"{revert.__name__}:{revert.run.__name__}"
    host = Host(str(params["store_dir"]), str(params["state_dir"]), function)
    if check_mode:
        return _rehearsed(host, params)
    host.deadlines.settle()
    who = f"{params['owner']} {params['incident']}".strip()
    with host.locked(who, parse_duration(params["lock_timeout"])):
        settled = "" if state == "released" else host.engine.settle()
        if state == "released":
            result = _release(host, params)
        elif token:
            result = _result(host, host.engine.confirm(token, connection_of()))
        else:
            result = _isolate(host, params)
    if settled:
        result.update(msg=f"{result['msg']}; before that, {settled}", changed=True)
    return result


def _check(params: Mapping[str, Any]) -> None:
    state, reason = params["state"], str(params["reason"]).strip()
    if state == "isolated" and params["token"]:
        raise IncidentError("An isolation with a token is in force already.", "Use state: confirmed or released.")
    if (state == "released" or params["force"]) and len(reason) < _LEAST_REASON:
        what = "A release" if state == "released" else "force"
        raise IncidentError(
            f"{what} needs a reason of at least {_LEAST_REASON} characters.", "Say why, and who you are."
        )
    if state == "released" and not str(params["incident"]).strip():
        raise IncidentError("A release needs the incident that the host was isolated for.", "Name it in incident.")
    seconds = parse_duration(params["confirm"])
    if not _SHORTEST <= seconds <= _LONGEST:
        raise IncidentError(
            f"confirm is {params['confirm']}; a host waits 2 seconds to 1 hour for its confirmation.",
            "Leave confirm out for 60 seconds.",
        )


def _isolate(host: Host, params: Mapping[str, Any]) -> dict[str, Any]:
    plan, overrides = _planned(host, params)
    before = _listing(host)
    host.filters.get(plan.backend).rehearse(plan.flows)
    request = Request(
        incident=str(params["incident"]).strip(),
        reason=str(params["reason"]).strip(),
        who=str(params["owner"]),
        seconds=parse_duration(params["confirm"]),
        connection=connection_of(),
        overrides=overrides,
    )
    result = _result(host, host.engine.isolate(plan, request))
    if result["changed"]:
        result["diff"] = _diff(before, _listing(host))
    return {**result, **_of_plan(plan), "overrides": list(overrides)}


def _release(host: Host, params: Mapping[str, Any]) -> dict[str, Any]:
    record = _refuse_release(host, params)
    before = _listing(host)
    how = {
        "incident": params["incident"],
        "reason": params["reason"],
        "who": params["owner"],
        "at": host.clock.wall(),
    }
    done = host.engine.release(how, params["token"])
    result = _result(host, done)
    if done.changed:
        result["diff"] = _diff(before, _listing(host))
    return {**result, "overrides": [_other_incident(record, params)] if _other_incident(record, params) else []}


def _refuse_release(host: Host, params: Mapping[str, Any]) -> Record | None:
    """The record of what would be released."""
    try:
        record = host.records.read()
    except IncidentError:
        return None  # what cannot be read must not keep a host isolated
    other = _other_incident(record, params)
    if other and not params["force"]:
        raise IncidentError(f"Not released: {other}", "Name that incident, or force: true with the reason.")
    return record


def _other_incident(record: Record | None, params: Mapping[str, Any]) -> str:
    asked = str(params["incident"]).strip()
    if record is None or not record.incident or record.incident == asked:
        return ""
    return f"this host was isolated for {record.incident}, not for {asked} ({record.who}: {record.reason})."


def _planned(host: Host, params: Mapping[str, Any]) -> tuple[t.Plan, tuple[str, ...]]:
    """The plan, and the refusals that were overridden. Raises IncidentError for what must not be done."""
    plan = make_plan(read_wish(params), observe(host.backends))
    firm = [each.message for each in plan.refusals if each.firm]
    soft = [each.message for each in plan.refusals if not each.firm]
    shown = {"outcome": o.PLANNED, "changed": False, **_of_plan(plan), "refusals": [*firm, *soft]}
    if firm or (soft and not params["force"]):
        way_out = "" if firm else " If it is meant all the same: force: true, with a reason."
        raise IncidentError(f"Not isolated: {' '.join([*firm, *soft])}", f"Nothing was changed.{way_out}", shown)
    if params["approve"] and params["approve"] != plan_hash(plan):
        raise IncidentError(
            f"The plan is {plan_hash(plan)}, and {params['approve']} was approved: something is different by now.",
            "Nothing was changed. Look at the plan in check mode, and approve that.",
            shown,
        )
    return plan, tuple(soft)


def _rehearsed(host: Host, params: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the change; a confirmation cannot be rehearsed, only its token."""
    before = _listing(host)
    if params["state"] == "released":
        _refuse_release(host, params)
        words = "it would be released" if before else "it is not isolated"
        return {**_shown(None, o.PLANNED, words, bool(before)), "diff": _diff(before, "")}
    if params["token"]:
        status = host.deadlines.status(params["token"])
        words = f"its deadline is {status.state}; a confirmation is not rehearsed"
        return _shown(host.records.read(), o.PLANNED, words, status.state == "armed")
    plan, overrides = _planned(host, params)
    record = host.records.read()
    text = host.filters.get(plan.backend).rehearse(plan.flows)
    fine = (
        record is not None
        and record.confirmed
        and record.same(plan.backend, plan.flows)
        and host.filters.get(plan.backend).intact(record.listing)
    )
    words = "it is isolated already" if fine else f"it would be isolated by {plan.backend}"
    result = _shown(record, o.UNCHANGED if fine else o.PLANNED, words, not fine)
    diff = _diff(before, before if fine else text)
    return {**result, **_of_plan(plan), "overrides": list(overrides), "diff": diff}


def _result(host: Host, done: Done) -> dict[str, Any]:
    result = _shown(done.record, done.outcome, done.words, done.changed)
    if done.token:
        result.update(token=done.token, until=moment(done.until))
    if done.outcome in (o.CONFIRMED, o.UNCHANGED) and done.record is not None:
        result["proof"] = _proof(host, done.record)
    result.update(done.more)
    result["failed"] = done.outcome not in _GOOD
    return result


def _proof(host: Host, record: Record) -> dict[str, Any]:
    """What the host itself can say: this connection works, and what was cut until now."""
    counters = host.filters.counters()
    return {
        "allowed": connection_of(),
        "cut": cut(counters),
        "counters": counters,
        "flows": [_flow(flow) for flow in record.flows],
    }


def _shown(record: Record | None, outcome: str, words: str, changed: bool) -> dict[str, Any]:
    whose = f" for {record.incident}" if record is not None and record.incident else ""
    return {
        "outcome": outcome,
        "changed": changed,
        "failed": False,
        "backend": record.backend if record is not None else "",
        "msg": f"{outcome}{whose}: {words}",
    }


def _of_plan(plan: t.Plan) -> dict[str, Any]:
    return {
        "backend": plan.backend,
        "plan": plan.to_dict()["flows"],
        "plan_hash": plan_hash(plan),
        "notes": list(plan.notes),
    }


def plan_hash(plan: t.Plan) -> str:
    """Names a plan, so that exactly that can be approved: 16 hex digits."""
    return hashlib.sha256(json.dumps(plan.to_dict(), sort_keys=True).encode()).hexdigest()[:16]


def _flow(flow: t.Flow) -> str:
    side = "from" if flow.direction == t.IN else "to"
    return f"{flow.direction} {side} {flow.network} {flow.protocol}/{flow.port} ({flow.why})"


def _listing(host: Host) -> str:
    name = host.filters.present()
    return host.filters.get(name).ours() if name else ""


def _diff(before: str, after: str) -> dict[str, str]:
    ended = [text and not text.endswith("\n") for text in (before, after)]
    return {
        "before_header": "our rules",
        "after_header": "our rules",
        "before": before + ("\n" if ended[0] else ""),
        "after": after + ("\n" if ended[1] else ""),
    }
