# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the matter with a service: a pure function of what was observed.

Manager, process tree behind the listener and probes are judged together, because in some failure each of them lies.
"""

from __future__ import annotations

from typing import Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue, Service
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Check
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_SLOW_REASONS = frozenset({reasons.TIMEOUT, reasons.DEADLINE})
# The probe failed, not the service: no ground for a restart.
_NO_ANSWERS = frozenset({reasons.ERROR, reasons.CANNOT_RUN, reasons.DEADLINE, reasons.MANAGER_GONE})
_STOPPED_STATES = frozenset({"T", "t"})


def diagnose(catalogue: Catalogue, view: Mapping[str, t.Observation]) -> dict[str, t.Diagnosis]:
    """One diagnosis per observed service, in dependency order.

    A living service that fails while something it depends on is not healthy is ``blocked``: the cause is below it.
    """
    found: dict[str, t.Diagnosis] = {}
    for name in catalogue.order:
        if name not in view:
            continue
        own = _diagnose_one(catalogue.services[name], view[name])
        sick = [other for other in catalogue.order if other in catalogue.dependencies(name) and _is_sick(other, found)]
        if sick and _may_be_blocked(own, view[name]):
            own = t.Diagnosis(name, t.BLOCKED, f"{own.message}; waits for {', '.join(sick)}")
        found[name] = own
    return found


def root_causes(catalogue: Catalogue, found: Mapping[str, t.Diagnosis]) -> tuple[t.Diagnosis, ...]:
    """The sick services below which nothing is sick, in dependency order; the first one is *the* root cause."""
    return tuple(
        found[name]
        for name in catalogue.order
        if _is_sick(name, found) and not any(_is_sick(other, found) for other in catalogue.dependencies(name))
    )


def read_logs(service: Service) -> str:
    """The next step for what does not stay up."""
    return f"Read {', '.join(service.logs) or 'its log'} for why it does not stay up."


def describe(process: Process) -> str:
    """A process for people: pid, state when it is not simply alive, command."""
    state = f", state {process.state}" if process.state in _STOPPED_STATES else ""
    command = redact(process.command_line or process.exe or "?")
    return f"pid {process.pid} (uid {process.uid}{state}, {command[:80]})"


def _is_sick(name: str, found: Mapping[str, t.Diagnosis]) -> bool:
    return name in found and not found[name].healthy


def _may_be_blocked(own: t.Diagnosis, seen: t.Observation) -> bool:
    """Alive and answering badly: a stopped or missing process has a cause of its own."""
    if own.condition == t.FAILING:
        return True
    return own.condition == t.HUNG and not _signalled(seen)


def _diagnose_one(service: Service, seen: t.Observation) -> t.Diagnosis:
    for rule in _RULES:
        diagnosis = rule(service, seen)
        if diagnosis is not None:
            return diagnosis
    return _by_probes(service, seen)


def _port_held_by_another(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    own = {process.identity for process in seen.own + seen.managed}
    strangers = [holder for holder in seen.holders if holder.pid != 1]
    # Socket activation: pid 1 holds the port on behalf of a service that is not there yet.
    ours = any(holder.identity in own for holder in seen.holders)
    if strangers and seen.red and seen.identity_declared and not ours:
        who = "; ".join(describe(process) for process in strangers)
        return _foreign(service, f"port {_ports(seen)} is held by {who}, which is not this service")
    unreadable = [listener for listener in seen.listeners if not listener.pids]
    if unreadable and seen.red and not (seen.own or seen.managed):
        return _foreign(
            service, f"port {_ports(seen)} is held by a process of uid {unreadable[0].uid} that cannot be read"
        )
    return None


def _foreign(service: Service, message: str) -> t.Diagnosis:
    return t.Diagnosis(
        service.name,
        t.FOREIGN,
        message,
        "Find out who started it and stop it by hand (it is never killed for you), then run the recovery again.",
    )


def _runs_outside_its_manager(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    alive = seen.manager.available and seen.manager.state in (manager.RUNNING, manager.STARTING)
    stray = {process.identity for process in seen.strays}
    holds_port = any(holder.identity in stray for holder in seen.holders)
    # While its manager is content and the probes are, too, its processes may hang together in a way that cannot be seen
    # (a daemon that detached itself): what serves well is not ended for its pedigree.
    # The same while its manager is merely silent: it could not be started again before that one is back.
    silent = not seen.manager.available and not seen.red
    if not stray or silent or (alive and not (holds_port and seen.red)):
        return None
    who = "; ".join(describe(process) for process in seen.strays[:3])
    return t.Diagnosis(service.name, t.ORPHAN, f"runs outside its manager ({_words(seen)}): {who}")


def _manager_is_gone(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    if seen.manager.available:
        return None
    if not seen.red and seen.checks:
        return _odd(service, f"answers, but its manager does not ({seen.manager.detail})")
    return t.Diagnosis(
        service.name, t.MANAGER_GONE, seen.manager.detail or "its manager is gone", "Start the manager itself."
    )


def _configuration_is_rejected(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    if not seen.config_error:
        return None
    files = ", ".join(service.config.files) or "its configuration"
    return t.Diagnosis(
        service.name,
        t.BAD_CONFIG,
        f"the configuration is rejected: {seen.config_error}",
        f"Correct {files} (a restart would not help), check it with the service's validate command, then run again.",
    )


def _manager_says_not_running(service: Service, seen: t.Observation) -> t.Diagnosis | None:
    state = seen.manager.state
    if state in (manager.RUNNING, manager.STARTING, manager.STOPPING):
        return None
    if not seen.red and seen.checks and state != manager.BACKOFF:
        return _odd(service, f"answers, but its manager says {_words(seen)} and no process of it can be seen")
    condition = {manager.STOPPED: t.DOWN, manager.BACKOFF: t.CRASH_LOOP, manager.FAILED: t.FAILED}.get(state, t.UNKNOWN)
    error = f"; last error in its log: {seen.last_error}" if seen.last_error else ""
    return t.Diagnosis(service.name, condition, f"{_words(seen)}{error}", read_logs(service))


_RULES: tuple[Callable[[Service, t.Observation], t.Diagnosis | None], ...] = (
    _port_held_by_another,
    _runs_outside_its_manager,
    _manager_is_gone,
    _configuration_is_rejected,
    _manager_says_not_running,
)


def _by_probes(service: Service, seen: t.Observation) -> t.Diagnosis:
    """The manager says that it runs: now the probes have the last word."""
    if not seen.red:
        warned = "; ".join(_say(check) for check in seen.warned)
        return t.Diagnosis(service.name, t.HEALTHY, f"healthy, but {warned}" if warned else "healthy")
    said = "; ".join(_say(check) for check in seen.red[:3])
    logs = ", ".join(service.logs) or "its log"
    hint = f"Read {logs}; the process runs but does not do its work."
    if _signalled(seen):
        who = next(describe(process) for process in seen.managed if process.state in _STOPPED_STATES)
        return t.Diagnosis(service.name, t.HUNG, f"stopped by a signal: {who}", hint)
    if all(check.reason in _NO_ANSWERS for check in seen.red):
        return _odd(service, f"could not be asked: {said}")
    if seen.manager.state in (manager.STARTING, manager.STOPPING):
        return t.Diagnosis(service.name, t.STARTING, f"{_words(seen)}; {said}", hint)
    if all(check.reason in _SLOW_REASONS for check in seen.red):
        silent = ", ".join(check.probe for check in seen.red)
        return t.Diagnosis(service.name, t.HUNG, f"runs ({_words(seen)}) but does not answer: {silent}", hint)
    if service.ports and not seen.listeners:
        missing = ", ".join(str(port) for port in service.ports)
        return t.Diagnosis(service.name, t.FAILING, f"runs, but nothing listens on port {missing}: {said}", hint)
    return t.Diagnosis(service.name, t.FAILING, said, hint)


def _signalled(seen: t.Observation) -> bool:
    return any(process.state in _STOPPED_STATES for process in seen.managed)


def _odd(service: Service, message: str) -> t.Diagnosis:
    return t.Diagnosis(
        service.name,
        t.UNKNOWN,
        message,
        "Look before anything is restarted: run as a user that may see its processes, or correct the catalogue.",
    )


def _words(seen: t.Observation) -> str:
    return seen.manager.detail or seen.manager.state


def _ports(seen: t.Observation) -> str:
    return ", ".join(sorted({str(listener.port) for listener in seen.listeners}))


def _say(check: Check) -> str:
    return f"{check.probe}: {check.reason}, {check.message}"
