# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What will be done: a pure function of catalogue, observation, diagnosis and the responder's wishes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import OBSERVABILITY, Catalogue, Service
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import RESUMABLE, STOPPED
from ansible_collections.toombos.incident.plugins.module_utils._recovery import signs, types as t
from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration


@dataclass(frozen=True)
class Wishes:
    """What the responder asked for.

    ``scope``: names that may be touched. ``forced``: of these, what is restarted also when it is healthy.
    ``attempts``: how often each service was already tried in this run. ``exhausted``: services whose
    restart budget is used up, with the sentence that says so. ``barred``: services that must not be changed at all.
    """

    scope: frozenset[str]
    forced: frozenset[str] = frozenset()
    attempts: Mapping[str, int] = field(default_factory=dict)
    exhausted: Mapping[str, str] = field(default_factory=dict)
    barred: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Cure:
    """The remedy of one condition."""

    end_own: bool = False  # end processes that the manager does not know of
    stop: bool = False
    start: bool = False
    wait: bool = False

    @property
    def changes(self) -> bool:
        """Whether it does anything to the service."""
        return self.end_own or self.stop or self.start


_RESTART = _Cure(stop=True, start=True)
_START = _Cure(start=True)
_WAIT = _Cure(wait=True)
_NOTHING = _Cure()

CURES: dict[str, _Cure] = {
    t.HEALTHY: _NOTHING,
    t.STARTING: _WAIT,
    t.BLOCKED: _WAIT,
    t.DOWN: _START,
    t.FAILED: _START,
    t.MANAGER_GONE: _START,
    t.CRASH_LOOP: _RESTART,
    t.HUNG: _RESTART,
    t.FAILING: _RESTART,
    t.ORPHAN: _Cure(end_own=True, stop=True, start=True),
    t.SPLIT_BRAIN: _Cure(end_own=True, wait=True),
    t.WORKER_DEAD: _RESTART,
    t.DEGRADED: _RESTART,
    t.ZOMBIE: _RESTART,
    t.DELETED: _RESTART,
    t.WRONG_USER: _RESTART,
    t.WRONG_SERVICE: _RESTART,
}
# Seconds for what has been up all the time, once its dependency is ready again; if that is not enough, it is restarted.
_GRACE = 10.0
# What a configuration can do to a service that it does not reject.
_MAY_BE_CONFIGURATION = frozenset({t.DOWN, t.FAILED, t.CRASH_LOOP, t.FAILING, t.HUNG, t.WORKER_DEAD, t.DEGRADED})
_NO_CURE = frozenset({t.FOREIGN, t.BAD_CONFIG, t.UNKNOWN})
# Either one restart mends it, or what is wrong lies in the configuration of its manager or in what was deployed.
_ONCE = frozenset({t.WRONG_USER, t.WRONG_SERVICE})


def make_plan(
    catalogue: Catalogue, view: Mapping[str, t.Observation], found: Mapping[str, t.Diagnosis], wishes: Wishes
) -> t.Plan:
    """Steps in the order in which they are applied.

    Refusals first, then what lies on the next rung and is done by others, stops in reverse dependency order, temp
    paths, and starts in dependency order, each followed by its readiness; a verification closes what does anything.
    """
    cures, refusals, rungs = _choose(catalogue, view, found, wishes)
    _take_along(catalogue, view, found, wishes, cures)
    stops: list[t.Step] = []
    clears: list[t.Step] = []
    starts: list[t.Step] = []
    for name in catalogue.order:
        if name not in cures:
            continue
        cure, reason = cures[name]
        stops[:0] = _stop_steps(catalogue.services[name], cure, reason, view[name])
        if cure.start and view[name].temp_entries:
            clears.append(t.Step(t.CLEAR_TEMP, name, f"{view[name].temp_entries} entries in its declared temp paths"))
        if cure.start:
            starts.append(t.Step(t.START, name, reason))
        if cure.start or cure.wait:
            limit = catalogue.services[name].limits.ready_timeout
            if found[name].condition == t.BLOCKED and not cure.start:
                limit = min(limit, _GRACE)
            within = format_duration(limit)
            starts.append(t.Step(t.WAIT_READY, name, f"until its probes pass, at most {within}", limit))
    steps = rungs + stops + clears + starts
    if stops or clears or starts:
        steps.append(t.Step(t.VERIFY, "", "probes of every service in scope"))
    return t.Plan(tuple(refusals + steps))


def _choose(
    catalogue: Catalogue, view: Mapping[str, t.Observation], found: Mapping[str, t.Diagnosis], wishes: Wishes
) -> tuple[dict[str, tuple[_Cure, str]], list[t.Step], list[t.Step]]:
    """Cures, refusals, and the steps that lie on the next rung of the ladder."""
    cures: dict[str, tuple[_Cure, str]] = {}
    refusals: list[t.Step] = []
    rungs: list[t.Step] = []
    for name in catalogue.order:
        if name not in found or name not in wishes.scope:
            continue
        cure, reason = _remedy(found[name], view[name], name in wishes.forced)
        passengers = _passengers(catalogue, view, name)
        objection = _objection(catalogue, view[name], found[name], cure, wishes, passengers) if cure != _NOTHING else ""
        if found[name].condition in _NO_CURE:
            objection = found[name].message
        if objection and _has_a_rung(catalogue.services[name], view[name], found[name], wishes):
            rungs.append(t.Step(t.ROLL_BACK_CONFIG, name, f"to {view[name].fallback}; {objection}"))
        elif objection:
            refusals.append(t.Step(t.REFUSE, name, objection))
        elif cure != _NOTHING:
            cures[name] = (cure, reason)
    return cures, refusals, rungs


def _has_a_rung(service: Service, seen: t.Observation, diagnosis: t.Diagnosis, wishes: Wishes) -> bool:
    """Whether its last known good configuration is the next remedy: it is rejected, or restarts did not help."""
    name = service.name
    if not seen.fallback or name in wishes.barred or name in wishes.exhausted:
        return False
    if service.tier == OBSERVABILITY and seen.managed:
        return False  # it would have to be stopped
    if diagnosis.condition == t.BAD_CONFIG:
        return True
    return diagnosis.condition in _MAY_BE_CONFIGURATION and wishes.attempts.get(name, 0) >= service.limits.attempts


def _remedy(diagnosis: t.Diagnosis, seen: t.Observation, force: bool) -> tuple[_Cure, str]:
    if diagnosis.condition in _NO_CURE:
        return _NOTHING, diagnosis.message
    cure = CURES[diagnosis.condition]
    if force and not cure.start:
        return _RESTART, f"forced ({diagnosis.condition})"
    if cure.stop and seen.manager.state in RESUMABLE:
        cure = _START
    return cure, f"{diagnosis.condition}: {diagnosis.message}"


def _objection(
    catalogue: Catalogue,
    seen: t.Observation,
    diagnosis: t.Diagnosis,
    cure: _Cure,
    wishes: Wishes,
    passengers: Sequence[str],
) -> str:
    """Why the cure must not be applied; empty when it may."""
    service = catalogue.services[diagnosis.service]
    limit = 1 if diagnosis.condition in _ONCE else service.limits.attempts
    beyond = _beyond_us(seen, diagnosis)
    if beyond:
        return beyond
    if cure.changes and diagnosis.service in wishes.barred:
        return wishes.barred[diagnosis.service]
    if service.tier == OBSERVABILITY and (cure.stop or cure.end_own):
        return (
            f"{diagnosis.condition}, and an observability service is never stopped by a recovery: {diagnosis.message}"
        )
    if cure.stop and passengers:
        return f"{', '.join(passengers)} would go down with it and not come back"
    if cure.start and seen.config_error:
        return f"would not come back: its configuration is rejected: {seen.config_error}"
    if cure.start and wishes.attempts.get(diagnosis.service, 0) >= limit:
        tried = f"{limit} attempts" if limit > 1 else "a restart"
        return f"still {diagnosis.condition} after {tried}: {diagnosis.message}"
    if cure.start and diagnosis.service in wishes.exhausted:
        return wishes.exhausted[diagnosis.service]
    return ""


def _beyond_us(seen: t.Observation, diagnosis: t.Diagnosis) -> str:
    """What only a person can mend, whatever the condition's cure may be in other cases."""
    if diagnosis.condition == t.SPLIT_BRAIN and seen.keepers:
        return diagnosis.message
    if diagnosis.condition == t.WRONG_USER and seen.misowned:
        return diagnosis.message
    if seen.absent and diagnosis.condition != t.SPLIT_BRAIN:
        return f"would not come back: {', '.join(seen.absent)} is not there"
    return ""


def _passengers(catalogue: Catalogue, view: Mapping[str, t.Observation], name: str) -> list[str]:
    """Services whose processes live in this one's tree, and that must not or could not be brought back."""
    inside = {process.identity for process in view[name].managed}
    return [
        other
        for other, seen in view.items()
        if other != name
        and (catalogue.services[other].tier == OBSERVABILITY or seen.config_error)
        and any(process.identity in inside for process in seen.own + seen.managed)
    ]


def _take_along(
    catalogue: Catalogue,
    view: Mapping[str, t.Observation],
    found: Mapping[str, t.Diagnosis],
    wishes: Wishes,
    cures: dict[str, tuple[_Cure, str]],
) -> None:
    """Services declared ``restart_with`` a dependency go down and come up with it."""
    for name in catalogue.order:
        service = catalogue.services[name]
        partners = [other for other in service.restart_with if other in cures and cures[other][0].start]
        allowed = name in wishes.scope and name in found and service.tier != OBSERVABILITY
        if not partners or not allowed or found[name].condition in _NO_CURE or view[name].config_error:
            continue
        if name in wishes.exhausted or name in wishes.barred:
            continue
        if not cures.get(name, (_NOTHING, ""))[0].start:
            cures[name] = (_RESTART, f"restarts with {', '.join(partners)}")


def _stop_steps(service: Service, cure: _Cure, reason: str, seen: t.Observation) -> list[t.Step]:
    steps, name, spec = [], service.name, service.manager
    if cure.stop and seen.manager.available and seen.manager.state != STOPPED:
        steps.append(t.Step(t.STOP, name, reason))
    if cure.end_own:
        doomed = signs.to_end(spec, seen.manager, seen.managed, seen.strays, seen.holding)
        pids = ", ".join(str(process.pid) for process in doomed)
        steps.append(t.Step(t.END_PROCESSES, name, f"its own processes outside the manager: {pids}"))
    return steps
