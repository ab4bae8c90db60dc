# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying a plan: one effect per step, each bounded in time, each re-checking the world just before it acts."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue, Service
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, UNKNOWN, Check
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process
from ansible_collections.toombos.incident.plugins.module_utils._recovery import signs, types as t
from ansible_collections.toombos.incident.plugins.module_utils._recovery.brakes import Brakes, HeldBack
from ansible_collections.toombos.incident.plugins.module_utils._recovery.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._recovery.words import describe

_PAUSE = 0.1  # seconds between two looks at something that is about to change
_MOST_LIVES = 2  # processes of one start; a third one is a crash loop
_MARGIN = 10.0  # seconds that a restart needs beside the stop
_SETTLING = 1.0  # seconds in which a manager may still say "stopped" of a start that it has accepted
_RESPAWN = 1.5  # seconds in which supervisord, which looks once a second, starts again what has exited


class StepFailed(IncidentError):
    """A step did not reach its goal; the message says why."""


class _Lives:
    """What was seen of a service while it was waited for: its root processes, and since when there is none."""

    def __init__(self) -> None:
        self.roots: set[tuple[int, int]] = set()
        self.gone_since: float | None = None


class Applier:
    """Applies steps to one host.

    ``deadline`` (monotonic) bounds the whole; a step is bounded by its service's limits.
    """

    def __init__(
        self,
        host: Host,
        catalogue: Catalogue,
        deadline: float,
        brakes: Brakes,
        force: bool = False,
    ) -> None:
        self._host = host
        self._catalogue = catalogue
        self._deadline = deadline
        self._force = force
        self._brakes = brakes
        self._stopped: set[str] = set()  # what we took down, we bring up again, whatever happens
        self.crashed: dict[str, str] = {}  # services that died while they were waited for, and how
        self.ready: dict[str, tuple[int, int] | None] = {}  # services that became ready, and their root process then
        self._limits: dict[str, float] = {}  # of waiting for a service, as the plan says
        self._effects: dict[str, Callable[[Service], str]] = {
            t.STOP: self._stop,
            t.END_PROCESSES: self._end_processes,
            t.CLEAR_TEMP: self._clear_temp,
            t.START: self._start,
            t.WAIT_READY: self._wait_ready,
        }

    def apply(self, plan: t.Plan, attempt: int) -> list[t.StepResult]:
        """Results in order, of all steps but refusals and verification. A failed service takes its dependents out."""
        results: list[t.StepResult] = []
        self._limits = {step.service: step.limit for step in plan.steps if step.step == t.WAIT_READY and step.limit}
        unready: set[str] = {step.service for step in plan.steps if step.step == t.REFUSE}
        for step in plan.steps:
            if step.step not in self._effects:
                continue
            began = self._host.clock.monotonic()
            status, message = self._try(step, unready)
            if status != "done" and step.step != t.CLEAR_TEMP:
                unready.add(step.service)
            elapsed = self._host.clock.monotonic() - began
            results.append(t.StepResult(step.step, step.service, attempt, status, message, elapsed))
        return results

    def _try(self, step: t.Step, unready: set[str]) -> tuple[str, str]:
        if step.service in unready:
            return "skipped", "an earlier step of this service did not succeed"
        reason = "" if step.service in self._stopped else self._reason_to_skip(step, unready)
        if reason:
            return "skipped", reason
        try:
            if step.step in t.MUTATING:
                self._brakes.check(step.service)
            if step.step in (t.STOP, t.END_PROCESSES):
                self._stopped.add(step.service)
            return "done", self._effects[step.step](self._catalogue.services[step.service])
        except HeldBack as error:
            return "skipped", str(error)
        except IncidentError as error:
            return "failed", str(error)
        except Exception as error:  # noqa: BLE001 - one broken step must not keep the others from being done
            return "failed", f"{type(error).__name__}: {error}"

    def _reason_to_skip(self, step: t.Step, unready: set[str]) -> str:
        missing = sorted(unready & self._catalogue.dependencies(step.service))
        if missing and not self._force:
            return f"needs {', '.join(missing)}, which is not ready"
        left = self._deadline - self._host.clock.monotonic()
        if step.step == t.STOP and left < self._catalogue.services[step.service].limits.stop_timeout + _MARGIN:
            return "too little time is left before the deadline to stop it and start it again"
        return "" if left > 0 else "the deadline of this recovery has passed"

    def _until(self, seconds: float) -> float:
        return min(self._deadline, self._host.clock.monotonic() + seconds)

    def _stop(self, service: Service) -> str:
        grace = service.limits.stop_timeout
        table = self._host.table()
        state = self._host.manager(service).observe(table)
        before = [process for process in table.tree(state.pid) if process.state != "Z"] if state.pid else []
        self._host.manager(service).stop(self._until(grace + 10.0))
        # A manager waits for the process it started; workers of that process may outlive it and keep the port.
        now = self._host.table().processes
        left = [
            old
            for old in before
            if old.pid in now and now[old.pid].identity == old.identity and now[old.pid].state != "Z"
        ]
        if left:
            self._end(left, grace)
        return "stopped" + (f", ended {len(left)} processes that outlived it" if left else "")

    def _end_processes(self, service: Service) -> str:
        table = self._host.table()
        state = self._host.manager(service).observe(table)
        if not state.available:
            raise StepFailed(f"its manager could not start it again: {state.detail}.")
        managed = signs.managed_tree(state, table)
        own = signs.unclaimed(self._host.own(service, table), state, table)
        inside = {process.identity for process in managed}
        strays = [process for process in own if process.identity not in inside]
        held = {pid for listener in self._host.listeners(service.ports, table) for pid in listener.pids}
        holding = {table.processes[pid].identity for pid in held if pid in table.processes}
        doomed = signs.to_end(service.manager, state, managed, strays, holding)
        for root in signs.roots(doomed):
            keeper = self._host.keeper(root)
            if keeper:
                raise StepFailed(f"pid {root.pid} is kept by {keeper}, which would start it again.")
        return self._end(list(doomed), service.limits.stop_timeout)

    def _end(self, processes: list[Process], grace: float) -> str:
        ended = self._host.end_processes(processes, max(0.1, self._until(grace) - self._host.clock.monotonic()))
        if ended.survivors:
            pids = ", ".join(str(pid) for pid in ended.survivors)
            raise StepFailed(f"pid {pids} survived SIGKILL (uninterruptible sleep: look at its storage).")
        return f"ended {len(ended.terminated)} processes, {len(ended.killed)} of them by SIGKILL"

    def _clear_temp(self, service: Service) -> str:
        return str(self._host.clear_temp(service))

    def _start(self, service: Service) -> str:
        deadline = self._until(service.limits.stop_timeout)
        while True:
            table = self._host.table()
            state = self._host.manager(service).observe(table)
            if state.state in (manager.RUNNING, manager.STARTING) and state.pid is not None:
                return f"already started by its manager (pid {state.pid})"
            if state.state in manager.RESUMABLE:
                break  # what holds its port is itself
            holders = self._holders(service)
            if not holders:
                break
            if self._host.clock.monotonic() >= deadline:
                raise StepFailed(f"its port is still held by {'; '.join(holders)}.")
            self._host.clock.sleep(_PAUSE)
        # Spent before it happens: a recovery that is killed half-way has used its budget too.
        self._brakes.spend(service)
        how = self._host.manager(service).start(self._until(service.limits.ready_timeout))
        return f"start requested, {how}" if how else "start requested"

    def _holders(self, service: Service) -> list[str]:
        table = self._host.table()
        held = self._host.listeners(service.ports, table)
        known = [table.processes[pid] for listener in held for pid in listener.pids if pid in table.processes]
        unseen = [f"a process of uid {listener.uid}" for listener in held if not listener.pids]
        # pid 1 holds the sockets of services that it activates on demand.
        return sorted({describe(process) for process in known if process.pid != 1}) + unseen

    def _wait_ready(self, service: Service) -> str:
        began = self._host.clock.monotonic()
        deadline = self._until(self._limits.get(service.name, service.limits.ready_timeout))
        lives = _Lives()
        probes = [
            replace(probe, schedule=replace(probe.schedule, initial_delay=0.0, failure_threshold=1))
            for probe in service.probes
        ]
        while True:
            checks = self._host.probe(probes, deadline)
            red = [check for check in checks if check.status in (FAIL, UNKNOWN)]
            if not red:
                self.ready[service.name] = self._root(service)
                return f"ready after {self._host.clock.monotonic() - began:.1f}s"
            if self._host.clock.monotonic() - began >= _SETTLING:
                self._give_up_early(service, lives)
            if self._host.clock.monotonic() >= deadline:
                if len(lives.roots) > 1:
                    raise self._crash(service, lives)
                raise StepFailed(f"not ready after {self._host.clock.monotonic() - began:.0f}s: {_first(red)}.")
            self._host.clock.sleep(_PAUSE)

    def _root(self, service: Service) -> tuple[int, int] | None:
        """Identity of the process at the root of the service's tree."""
        table = self._host.table()
        state = self._host.manager(service).observe(table)
        process = table.processes.get(state.pid or 0)
        return process.identity if process else None

    def _give_up_early(self, service: Service, lives: _Lives) -> None:
        """What its manager has given up, or keeps replacing, does not become ready by waiting. Keeps ``lives``."""
        root = self._root(service)
        if root is not None:
            lives.roots.add(root)
        if len(lives.roots) > _MOST_LIVES:
            raise self._crash(service, lives)
        state = self._host.manager(service).observe(self._host.table())
        now = self._host.clock.monotonic()
        lives.gone_since = (lives.gone_since or now) if state.state == manager.STOPPED else None
        # What it calls stopped may be started again at its next look.
        if state.state == manager.FAILED or (lives.gone_since is not None and now - lives.gone_since >= _RESPAWN):
            hint = self._host.last_error(service)
            raise StepFailed(
                f"its manager says {state.detail or state.state}{'; last error: ' + hint if hint else ''}."
            )

    def _crash(self, service: Service, lives: _Lives) -> StepFailed:
        deaths, hint = len(lives.roots) - 1, self._host.last_error(service)
        how = f"died and was started again {deaths} time{'s' if deaths > 1 else ''} while it was waited for"
        self.crashed[service.name] = f"{how}{'; last error in its log: ' + hint if hint else ''}"
        return StepFailed(f"{self.crashed[service.name]}.")


def _first(red: list[Check]) -> str:
    return f"{red[0].probe}: {red[0].reason}, {red[0].message}"
