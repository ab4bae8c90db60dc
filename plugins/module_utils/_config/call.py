# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of config_rollback: from options to result."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._config import outcomes as o, rollback
from ansible_collections.toombos.incident.plugins.module_utils._config.back import put_back
from ansible_collections.toombos.incident.plugins.module_utils._config.window import Window
from ansible_collections.toombos.incident.plugins.module_utils._config.work import Work
from ansible_collections.toombos.incident.plugins.module_utils._deadman import deadline
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Recovery
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import recovery_lock
from ansible_collections.toombos.incident.plugins.module_utils._recovery.report import to_dict
from ansible_collections.toombos.incident.plugins.module_utils._rollback.transaction import settle
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

_GOOD = (o.UNCHANGED, o.CONFIRMED, o.PLANNED)


def roll_back(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of the module config_rollback. Raises IncidentError for what must be refused; nothing was changed."""
    verb = _verb(params)
    if check_mode:
        return _rehearsed(Work(params))
    work = Work(params)
    patience = min(parse_duration(params["lock_timeout"]), work.deadline - work.clock.monotonic())
    who = f"{params['owner']} {params['reason']}".strip()
    with recovery_lock(work.state_dir, who, params["takeover"], patience=patience, clock=work.clock):
        settled = settle(work.journal, work.clock)
        result = verb(work)
    if settled.outcome != "nothing":
        result["msg"] = f"{result['msg']}; before that, {settled.sentence}"
    return result


def _verb(params: Mapping[str, Any]) -> Callable[[Work], dict[str, Any]]:
    state, token = params["state"], params["token"]
    if state in ("extended", "cancelled") and not token:
        raise IncidentError(f"state={state} needs the token of the rollback.", "It is in the result of that.")
    if token and state == "applied":
        raise IncidentError(
            "A rollback with a token is applied already.", "Use state=confirmed, extended or cancelled."
        )
    return {"confirmed": _confirm, "extended": _extend, "cancelled": _cancel}[state] if token else _apply


def _apply(work: Work) -> dict[str, Any]:
    deadline.settle(work.deadlines)
    _refuse_what_is_held(work)
    prepared = rollback.prepare(work, keeps=True)
    shown = rollback.difference(work, prepared.switch)
    recovery, outcome, words, window = rollback.apply(work, prepared)
    result = _result(work, recovery, outcome, prepared.generations, words)
    result["diff"] = shown
    result["changed"] = outcome in (o.APPLIED, o.ROLLBACK_FAILED) or recovery.changed
    if window is not None:
        result.update(token=window.token, until=window.until)
    # Nobody can tell yet whether the connection works that is new; that is for the action to find out.
    result["failed"] = outcome not in (*_GOOD, o.APPLIED) or (outcome == o.UNCHANGED and not result["recovered"])
    return result


def _confirm(work: Work) -> dict[str, Any]:
    window = Window.find(work, work.params["token"])
    over = _over(work, window)
    if over is not None:
        return over
    same = window.over_the_same_connection()
    if same:
        raise IncidentError(
            f"This is the connection over which it was applied ({same.split()[0]}, port {same.split()[1]}); that it "
            "still works proves nothing.",
            "Confirm over a new one: meta: reset_connection, or ssh -O stop.",
            {"outcome": o.APPLIED, "until": window.until},
        )
    assessment = work.engine.look(work.request())
    recovery = Recovery(assessment, assessment)
    sick = [name for name in window.names if not assessment.found[name].healthy]
    if sick:
        return _undone(work, window, f"not confirmed: {', '.join(sick)} is not healthy")
    if not window.call_off():
        return _over(work, window) or _undone(work, window, "not confirmed in time")
    words = ", ".join(f"{name} runs on {each['to']}" for name, each in window.known["generations"].items())
    return _result(work, recovery, o.CONFIRMED, window.known["generations"], words)


def _extend(work: Work) -> dict[str, Any]:
    window = Window.find(work, work.params["token"])
    over = _over(work, window)
    if over is not None:
        return over
    in_time = window.extend(parse_duration(work.params["confirm"]))
    assessment = work.engine.assess(work.request())
    if not in_time:
        return _over(work, window) or _undone(work, window, "not confirmed in time")
    known = window.known["generations"]
    result = _result(work, Recovery(assessment, assessment), o.APPLIED, known, "its deadline is extended")
    return {**result, "changed": True, "token": window.token, "until": window.until}


def _cancel(work: Work) -> dict[str, Any]:
    window = Window.find(work, work.params["token"])
    if window.status().state == "called_off":
        raise IncidentError("This rollback was confirmed, or undone already.", "Roll back to another generation.")
    result = _over(work, window) or _undone(work, window, "cancelled")
    return {**result, "failed": result["outcome"] != o.ROLLED_BACK}


def _over(work: Work, window: Window) -> dict[str, Any] | None:
    """The result for a window that is closed already; None for one that is open."""
    status = window.status()
    if status.state not in ("called_off", "firing", "fired", "failed"):
        return None
    assessment = work.engine.assess(work.request())
    outcome, words = {
        "called_off": (o.CONFIRMED, "it was confirmed before"),
        "failed": (o.ROLLBACK_FAILED, "it was not confirmed in time, and the host could not go back"),
    }.get(status.state, (o.ROLLED_BACK, "it was not confirmed in time, and the host went back"))
    if status.outcome is not None and status.outcome.message:
        words += f": {status.outcome.message}"
    result = _result(work, Recovery(assessment, assessment), outcome, window.known["generations"], words)
    return {**result, "failed": outcome != o.CONFIRMED}


def _undone(work: Work, window: Window, why: str) -> dict[str, Any]:
    """What was there before, now."""
    known = window.known["generations"]
    put_back(work, {name: work.entries(name, each["before"]) for name, each in known.items()})
    window.call_off()
    recovery = work.engine.recover(work.request(force=True))
    result = _result(work, recovery, o.ROLLED_BACK, known, f"{why}; what was there before is back")
    return {**result, "changed": True, "failed": True}


def _rehearsed(work: Work) -> dict[str, Any]:
    prepared = rollback.prepare(work, keeps=False)
    assessment = work.engine.look(work.request())
    count = len(prepared.switch.operations)
    words = f"{count} path{'' if count == 1 else 's'} would be switched" if count else "the configuration is in place"
    result = _result(work, Recovery(assessment, assessment), o.PLANNED, prepared.generations, words)
    result["diff"] = rollback.difference(work, prepared.switch)
    return {**result, "changed": bool(count)}


def _refuse_what_is_held(work: Work) -> None:
    """Freeze, leases and circuit breakers hold for this as for every recovery."""
    for held in (work.brakes.barred(work.services), work.brakes.exhausted(work.services)):
        if held:
            reasons = "; ".join(f"{name}: {why}" for name, why in held.items())
            raise IncidentError(f"Nothing may be changed here: {reasons}.", "See who holds it, and why.")


def _result(work: Work, recovery: Recovery, outcome: str, generations: Mapping[str, Any], words: str) -> dict[str, Any]:
    applied = outcome not in (o.PLANNED,)
    result = to_dict(work.catalogue, recovery, applied=applied)
    steps = [
        {"step": "roll_back_config", "service": name, "reason": f"to {each['to']}" + _since(each)}
        for name, each in generations.items()
    ]
    told = f"{outcome}: {words}" if words else f"{outcome}: {', '.join(step['service'] for step in steps)}"
    return {
        **result,
        "plan": [*steps, *(step for step in result["plan"] if step["step"] != "roll_back_config")],
        "ladder": [],
        "outcome": outcome,
        "generations": dict(generations),
        "overrides": work.brakes.overrides,
        "msg": f"{told}; {result['msg']}",
        "failed": False,
    }


def _since(generation: Mapping[str, str]) -> str:
    return f", proven {generation['proven']}" if generation["proven"] else ", not proven"
