# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of a code rollback: from options to result."""

from __future__ import annotations

import os
import pwd
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._process.account import Account, find_account
from ansible_collections.toombos.incident.plugins.module_utils._recovery.brakes import Authority
from ansible_collections.toombos.incident.plugins.module_utils._recovery.control import SHORTEST_REASON
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Assessment
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import recovery_lock
from ansible_collections.toombos.incident.plugins.module_utils._release import journal as j, types as t
from ansible_collections.toombos.incident.plugins.module_utils._release.git import GitReleases
from ansible_collections.toombos.incident.plugins.module_utils._release.plan import (
    Plan,
    is_in_place,
    make_plan,
    to_diff,
)
from ansible_collections.toombos.incident.plugins.module_utils._release.rollback import (
    Outcome,
    Rollback,
    Tools,
    discard,
)
from ansible_collections.toombos.incident.plugins.module_utils._release.run import Runner
from ansible_collections.toombos.incident.plugins.module_utils._release.services import Services
from ansible_collections.toombos.incident.plugins.module_utils._release.spec import meaning_of, parse_code
from ansible_collections.toombos.incident.plugins.module_utils._release.symlink import LinkReleases
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

_SPARE = 600.0  # seconds for git, beside the hook


def roll_back(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of the module code_rollback. Raises IncidentError for what must be refused."""
    clock = Clock()
    spec = parse_code(params["code"])
    ref = meaning_of(params["ref"], spec) if params["ref"] != t.PREVIOUS else t.PREVIOUS
    authority = Authority(**{key: params[key] for key in ("owner", "reason", "freeze", "takeover", "break_glass")})
    if len(authority.reason.strip()) < SHORTEST_REASON:
        raise IncidentError(
            f"A code rollback needs a reason of at least {SHORTEST_REASON} characters.", "Say why, and who you are."
        )
    services = Services(params, authority, clock)
    account = _account(spec)
    journal = j.Journal(params["store_dir"], spec.path)
    if check_mode:
        return _rehearsed(_tools(params, spec, account, services, journal, clock), ref)
    who = f"{authority.owner} {authority.reason}"
    patience = parse_duration(params["lock_timeout"])
    with recovery_lock(params["state_dir"], who, authority.takeover, patience=patience, clock=clock):
        services.insist_on_being_free()
        with journal.held(patience, clock) as lock:
            tools = _tools(params, spec, account, services, journal, clock, lock)
            try:
                services.enter(2 * spec.deploy_timeout + _SPARE)
                return put_in_place(tools, ref)
            finally:
                services.leave()


def _tools(
    params: Mapping[str, Any],
    spec: t.Spec,
    account: Account,
    services: Services,
    journal: j.Journal,
    clock: Clock,
    lock: int | None = None,
) -> Tools:
    runner = Runner(account, lock)
    releases: t.Releases
    if spec.kind == t.GIT:
        releases = GitReleases(spec, runner, parse_duration(params["fetch_timeout"]))
    else:
        releases = LinkReleases(spec, runner)
    return Tools(
        spec, releases, runner, services, journal, clock, params["store_dir"], params["owner"], params["fetch"]
    )


def _rehearsed(tools: Tools, ref: str) -> dict[str, Any]:
    """Everything but the change. An unfinished rollback is seen as what the next run makes of it first."""
    entry = tools.journal.read()
    current = tools.releases.observe()
    if entry is not None:
        current = t.Release(entry.release, entry.name, state=entry.state, detail=current.detail)
    target = tools.releases.find(ref, fetch=tools.fetch, rehearse=True)
    plan = make_plan(current, target, tools.spec, tools.services.names, entry.target_name if entry else "")
    if not is_in_place(current, target):
        _refuse_obstacles(tools, current, target)
    first = tools.services.assess()
    result = _result(tools, current, target, plan, first)
    word = t.PLANNED if plan.changes else t.UNCHANGED
    said = (
        f"would put {target.name} in place of {current.name}" if plan.changes else f"{target.name} is in place already"
    )
    return {
        **result,
        **tools.services.report(first, None, applied=False),
        "outcome": word,
        "changed": plan.changes,
        "msg": said,
    }


def put_in_place(tools: Tools, ref: str) -> dict[str, Any]:
    """The release, or what was there before; the result. The caller holds the locks and has the leases."""
    rollback = Rollback(tools)
    settled = rollback.settle()
    current = tools.releases.observe()
    target = tools.releases.find(ref, fetch=tools.fetch, rehearse=False)
    plan = make_plan(current, target, tools.spec, tools.services.names)
    in_place = is_in_place(current, target)
    if not in_place:
        _refuse_obstacles(tools, current, target)
    first = tools.services.assess()
    result = _result(tools, current, target, plan, first)
    if not in_place:
        outcome = rollback.apply(current, target, first)
    elif settled:
        # They may have been started on the release that is gone again.
        outcome = Outcome(t.APPLIED, f"{target.name} is in place again", tools.services.recover(force=True))
    else:
        outcome = Outcome(t.UNCHANGED, f"{target.name} is in place already")
    kept = outcome.preserved
    if kept is not None and kept.empty:
        if tools.journal.read() is None:
            discard(kept)
        kept = None
    said = tools.services.report(first, outcome.recovery, applied=True)
    return {
        **result,
        **said,
        "outcome": outcome.word,
        "changed": settled or outcome.word != t.UNCHANGED,
        "current": tools.releases.observe().detail if outcome.word != t.ROLLBACK_FAILED else {},
        "preserved": kept.to_dict() if kept else None,
        "deploys": [hook.to_dict() for hook in rollback.hooks],
        "notes": rollback.notes,
        "overrides": tools.services.overrides,
        "msg": f"{outcome.why}; {said['msg']}",
    }


def _result(tools: Tools, current: t.Release, target: t.Target, plan: Plan, first: Assessment) -> dict[str, Any]:
    """What is known before anything is done."""
    between = tools.releases.difference(current, target)
    return {
        "before": {"id": current.id, "name": current.name, **current.detail},
        "target": {"id": target.id, "name": target.name, "fetched": not target.known},
        "plan": [step.to_dict() for step in plan.steps],
        "diff": to_diff(current, target, between, plan),
        "healthy_before": first.healthy,
        "preserved": None,
        "deploys": [],
        "notes": [],
        "overrides": [],
    }


def _refuse_obstacles(tools: Tools, current: t.Release, target: t.Target) -> None:
    found = tools.releases.obstacles(current, target, fetch=tools.fetch)
    if found:
        raise IncidentError(
            f"{target.name} cannot be put in place: {'; '.join(found[:5])}.",
            "Nothing was done. Move out of the way what is, or name another release.",
        )


def _account(spec: t.Spec) -> Account:
    """Who owns the code. Raises IncidentError when it is not there, or belongs to somebody else than declared."""
    where = spec.path if spec.kind == t.GIT else os.path.dirname(spec.path)
    try:
        uid = os.stat(where).st_uid
    except OSError as error:
        raise IncidentError(f"{where} cannot be used: {error.strerror}.", "Correct the option code.") from error
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        raise IncidentError(f"{where} belongs to uid {uid}, which has no name here.", "Give it to a user.") from None
    if spec.user is not None and find_account(spec.user).uid != uid:
        raise IncidentError(
            f"{where} belongs to {owner}, not to {spec.user}: what one of them writes the other could not use.",
            f"Correct code.user, or give the tree to {spec.user}.",
        )
    return find_account(owner)
