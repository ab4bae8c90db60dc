# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recovery of one host: observe → plan → apply → verify, again until healthy or out of attempts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Probe
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t, unsteady
from ansible_collections.toombos.incident.plugins.module_utils._recovery.apply import Applier
from ansible_collections.toombos.incident.plugins.module_utils._recovery.brakes import Brakes
from ansible_collections.toombos.incident.plugins.module_utils._recovery.diagnose import diagnose
from ansible_collections.toombos.incident.plugins.module_utils._recovery.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._recovery.observe import observe
from ansible_collections.toombos.incident.plugins.module_utils._recovery.plan import Wishes, make_plan
from ansible_collections.toombos.incident.plugins.module_utils._recovery.words import read_logs


@dataclass(frozen=True)
class Request:
    """What one call asks for. ``names``: services that were asked for; ``deadline`` (monotonic) bounds everything.

    ``stable_for``: seconds over which the services must stay healthy, with the same processes, before they count as
    recovered. ``approved``: the steps and services of the plan that somebody approved; None: nobody was asked.
    """

    names: tuple[str, ...]
    deadline: float
    force: bool = False
    stable_for: float = 0.0
    host_probes: tuple[Probe, ...] = ()
    approved: tuple[tuple[str, str], ...] | None = None

    @property
    def forced(self) -> frozenset[str]:
        """What is restarted also when it is healthy: what was asked for, not what that needs."""
        return frozenset(self.names) if self.force else frozenset()


class PlanChanged(IncidentError):
    """What was approved is not what would be done now; nothing was done."""


@dataclass(frozen=True)
class Assessment:
    """What is the matter with the host, and what would be done about it."""

    scope: tuple[str, ...]
    view: t.HostView
    found: Mapping[str, t.Diagnosis]
    plan: t.Plan

    @property
    def healthy(self) -> bool:
        """Whether every service in scope is."""
        return all(diagnosis.healthy for diagnosis in self.found.values())

    def root(self, name: str) -> tuple[int, int] | None:
        """The identity of the service's root process, as far as one can be seen."""
        managed = self.view.services[name].managed
        return managed[0].identity if managed else None


@dataclass(frozen=True)
class Recovery:
    """A whole recovery. ``before`` and ``after`` are the same object when nothing was done.

    ``worsened``: services that were healthy, that nobody touched, and that are not healthy any more.
    """

    before: Assessment
    after: Assessment
    steps: tuple[t.StepResult, ...] = ()
    attempts: Mapping[str, int] | None = None
    worsened: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether a mutating step succeeded or was tried."""
        return any(result.step in t.MUTATING and result.status != "skipped" for result in self.steps)


class Engine:
    """Recovers the services of one host through the ``Host`` port. Holds no state between calls."""

    def __init__(self, host: Host, catalogue: Catalogue, brakes: Brakes) -> None:
        self._host = host
        self._catalogue = catalogue
        self._brakes = brakes

    def assess(self, request: Request, attempts: Mapping[str, int] | None = None) -> Assessment:
        """Look and plan; change nothing."""
        scope = self._scope(request.names)
        probes, forced = request.host_probes, request.forced
        view = observe(self._host, self._catalogue, scope, request.deadline, probes, forced)
        return self._planned(scope, view, diagnose(self._catalogue, view.services), request, attempts or {})

    def look(self, request: Request) -> Assessment:
        """Assess; a host that is healthy with young processes is looked at again for ``stable_for`` or longer."""
        current = self.assess(request)
        seconds = unsteady.to_watch(current.view.services.values(), request.stable_for) if current.healthy else 0.0
        if seconds > 0:
            # A service in a crash loop is healthy in every moment in which it lives.
            current = self._verified(replace(request, stable_for=seconds), {})
        return current

    def recover(self, request: Request) -> Recovery:
        """Bring the services back, as often as their limits allow. Never raises for a service that stays sick.

        Raises PlanChanged before anything is done.
        """
        before = self.look(request)
        if self._actionable(before.plan):
            _insist_on_approval(request, before.plan)
        try:
            return self._recover(request, before)
        finally:
            self._brakes.leave()

    def _recover(self, request: Request, before: Assessment) -> Recovery:
        current = before
        attempts: Counter[str] = Counter()
        results: list[t.StepResult] = []
        again = request
        while self._actionable(current.plan) and self._host.clock.monotonic() < request.deadline:
            self._brakes.enter(_to_change(current.plan), request.deadline - self._host.clock.monotonic())
            applier = Applier(self._host, self._catalogue, request.deadline, self._brakes, again.force)
            done = applier.apply(current.plan, max(attempts.values(), default=0) + 1)
            touched = {result.service for result in done if result.step in t.MUTATING and result.status != "skipped"}
            attempts.update(touched)
            # Force means once: what was restarted on demand is not restarted again when it comes back healthy.
            again = replace(request, force=False)
            previous, (current, verified) = current, self._verify(again, attempts, applier)
            results += [*done, verified]
            self._prove(current, attempts)
            worse = [current.found[name].condition for name in _worsened(before, current, attempts)]
            unapproved = request.approved is not None and current.plan.essence != request.approved
            stuck = not touched and current.plan.hash == previous.plan.hash
            # Never make it worse: what turned red untouched was perhaps turned red by us. What only waits for a service
            # that is being recovered is no reason to leave that one down.
            if current.healthy or stuck or unapproved or set(worse) - {t.BLOCKED}:
                break
        return Recovery(before, current, tuple(results), dict(attempts), _worsened(before, current, attempts))

    def _prove(self, current: Assessment, attempts: Mapping[str, int]) -> None:
        for name in attempts:
            if current.found[name].healthy:
                self._brakes.prove(name)

    def _verify(
        self, request: Request, attempts: Mapping[str, int], applier: Applier
    ) -> tuple[Assessment, t.StepResult]:
        began = self._host.clock.monotonic()
        current = self._verified(request, attempts)
        # A service in a crash loop looks as if it were starting whenever it is looked at.
        died = {
            name: "was ready, but died within the stability window"
            for name, root in applier.ready.items()
            if root != current.root(name)
        }
        dying = {name: how for name, how in {**died, **applier.crashed}.items() if not current.found[name].healthy}
        current = self._as_crash_loop(current, dying, request, attempts)
        elapsed = self._host.clock.monotonic() - began
        status, message = ("done", "healthy") if current.healthy else ("failed", self._first_problem(current))
        number = max(attempts.values(), default=1)
        return current, t.StepResult(t.VERIFY, "", number, status, message, elapsed)

    def _planned(
        self,
        scope: tuple[str, ...],
        view: t.HostView,
        found: Mapping[str, t.Diagnosis],
        request: Request,
        attempts: Mapping[str, int],
    ) -> Assessment:
        services = [self._catalogue.services[name] for name in scope]
        exhausted, barred = self._brakes.exhausted(services), self._brakes.barred(services)
        wishes = Wishes(frozenset(scope), request.forced, attempts, exhausted, barred)
        return Assessment(scope, view, found, make_plan(self._catalogue, view.services, found, wishes))

    def _scope(self, names: Sequence[str]) -> tuple[str, ...]:
        """What was asked for and what that needs, in dependency order."""
        wanted = set(names)
        for name in names:
            wanted |= self._catalogue.dependencies(name)
        return tuple(name for name in self._catalogue.order if name in wanted)

    def _verified(self, request: Request, attempts: Mapping[str, int]) -> Assessment:
        """Healthy means now and for ``stable_for`` from now, without a process having been replaced meanwhile."""
        first = current = self.assess(request, attempts)
        roots = _roots(first)
        end = min(request.deadline, self._host.clock.monotonic() + request.stable_for)
        while current.healthy and self._host.clock.monotonic() < end:
            self._host.clock.sleep(min(1.0, end - self._host.clock.monotonic()))
            current = self.assess(request, attempts)
            roots = {**_roots(current), **roots}
        if current.healthy:
            message = "came back, but its process was replaced within the stability window"
            # Also when there is none to be seen: the next one is just being started, and who answered was the last.
            replaced = [name for name, root in roots.items() if root != current.root(name)]
            dying = dict.fromkeys(replaced, message)
        else:
            dying = unsteady.died_again(first.view.services, current.view.services)
        return self._as_crash_loop(current, dying, request, attempts)

    def _as_crash_loop(
        self, current: Assessment, dying: Mapping[str, str], request: Request, attempts: Mapping[str, int]
    ) -> Assessment:
        """The same view, in which these services are known to be in a crash loop."""
        if not dying:
            return current
        found = dict(current.found)
        for name, message in dying.items():
            found[name] = t.Diagnosis(name, t.CRASH_LOOP, message, read_logs(self._catalogue.services[name]))
        return self._planned(current.scope, current.view, found, request, attempts)

    @staticmethod
    def _actionable(plan: t.Plan) -> bool:
        return any(step.step not in (t.REFUSE, t.VERIFY, t.ROLL_BACK_CONFIG) for step in plan.steps)

    @staticmethod
    def _first_problem(assessment: Assessment) -> str:
        sick = next(diagnosis for diagnosis in assessment.found.values() if not diagnosis.healthy)
        return f"{sick.service} is {sick.condition}: {sick.message}"


def _to_change(plan: t.Plan) -> tuple[str, ...]:
    return tuple(dict.fromkeys(step.service for step in plan.steps if step.step in t.MUTATING))


def _insist_on_approval(request: Request, plan: t.Plan) -> None:
    if request.approved is None or plan.essence == request.approved:
        return
    approved, now = set(request.approved), set(plan.essence)
    new = "; ".join(f"{step} {service}".strip() for step, service in plan.essence if (step, service) not in approved)
    gone = "; ".join(f"{step} {service}".strip() for step, service in request.approved if (step, service) not in now)
    what = " and ".join(part for part in (new and f"it would now also {new}", gone and f"no longer {gone}") if part)
    raise PlanChanged(
        f"The world has changed since the plan was approved: {what or 'the order of the steps is another one'}.",
        "Nothing was done. Look at the new plan with -e plan=only, and approve that one.",
    )


def _worsened(before: Assessment, now: Assessment, touched: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(
        name
        for name in before.scope
        if before.found[name].healthy and not now.found[name].healthy and name not in touched
    )


def _roots(assessment: Assessment) -> dict[str, tuple[int, int]]:
    """Service → its root process, as far as one can be seen."""
    return {name: root for name in assessment.scope for root in [assessment.root(name)] if root}
