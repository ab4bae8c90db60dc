# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the probes tell of a service whose manager says that it runs: they have the last word."""

from __future__ import annotations

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Service
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._recovery import signs, types as t, unsteady
from ansible_collections.toombos.incident.plugins.module_utils._recovery.words import (
    STOPPED_STATES,
    describe,
    odd,
    red,
    say,
    words,
)

_SLOW_REASONS = frozenset({reasons.TIMEOUT, reasons.DEADLINE})
# The probe failed, not the service: no ground for a restart.
_NO_ANSWERS = frozenset({reasons.ERROR, reasons.CANNOT_RUN, reasons.DEADLINE, reasons.MANAGER_GONE})
# Bad for users, but nothing that starting the service again would change.
_NOT_BY_RESTART = frozenset(
    {
        reasons.CERT_EXPIRED,
        reasons.CERT_NOT_YET_VALID,
        reasons.CERT_WRONG_NAME,
        reasons.CERT_UNTRUSTED,
        reasons.CERT_ENDS,
        reasons.DNS,
        reasons.NXDOMAIN,
        reasons.NO_DATA,
        reasons.BAD_RCODE,
        reasons.DENIED,
        reasons.STALE,
        reasons.WRONG_SIZE,
    }
)
_WRONG_SERVICE_HINT = "Look at what was deployed, and at the port and the identity in the catalogue."


def by_probes(service: Service, seen: t.Observation) -> t.Diagnosis:
    """The manager says that it runs: now the probes have the last word."""
    missing = signs.missing_workers(service.workers, seen.managed)
    if not seen.red:
        return _green(service, seen, missing)
    said = red(seen)
    logs = ", ".join(service.logs) or "its log"
    hint = f"Read {logs}; the process runs but does not do its work."
    if signalled(seen):
        who = next(describe(process) for process in seen.managed if process.state in STOPPED_STATES)
        return t.Diagnosis(service.name, t.HUNG, f"stopped by a signal: {who}", hint)
    if all(check.reason in _NO_ANSWERS for check in seen.red):
        return odd(service, f"could not be asked: {said}")
    if all(check.reason in _NO_ANSWERS | _NOT_BY_RESTART for check in seen.red):
        return t.Diagnosis(service.name, t.UNKNOWN, said, "A restart would not help. Mend what the probes name.")
    if seen.manager.state in (manager.STARTING, manager.STOPPING):
        return t.Diagnosis(service.name, t.STARTING, f"{words(seen)}; {said}", hint)
    if any(check.reason == reasons.WRONG_SERVICE for check in seen.red):
        return t.Diagnosis(service.name, t.WRONG_SERVICE, f"answers as another service: {said}", _WRONG_SERVICE_HINT)
    if missing or seen.corpses:
        return t.Diagnosis(service.name, t.WORKER_DEAD, f"{_workers(service, seen, missing)}; {said}", hint)
    if all(check.reason in _SLOW_REASONS for check in seen.red):
        silent = ", ".join(check.probe for check in seen.red)
        return t.Diagnosis(service.name, t.HUNG, f"runs ({words(seen)}) but does not answer: {silent}", hint)
    if service.ports and not seen.listeners:
        closed = ", ".join(str(port) for port in service.ports)
        return t.Diagnosis(service.name, t.FAILING, f"runs, but nothing listens on port {closed}: {said}", hint)
    return t.Diagnosis(service.name, t.FAILING, said, hint)


def _green(service: Service, seen: t.Observation, missing: int) -> t.Diagnosis:
    if missing:
        return t.Diagnosis(
            service.name,
            t.DEGRADED,
            f"answers, but {_workers(service, seen, missing)}",
            f"Read {', '.join(service.logs) or 'its log'} for why workers die.",
        )
    notes = [say(check) for check in seen.warned]
    notes.extend(seen.manager.notes)
    notes.extend(filter(None, [unsteady.restarted(seen)]))
    old = signs.deleted(seen.managed)
    if old:
        notes.append(f"still runs on {', '.join(old)}, which was deleted or replaced")
    return t.Diagnosis(service.name, t.HEALTHY, f"healthy, but {'; '.join(notes)}" if notes else "healthy")


def _workers(service: Service, seen: t.Observation, missing: int) -> str:
    if missing:
        return f"{missing} of {service.workers.min} workers are missing below {describe(seen.managed[0])}"
    dead = ", ".join(str(process.pid) for process in seen.corpses[:5])
    return f"worker pid {dead} is dead and not collected by {describe(seen.managed[0])}"


def signalled(seen: t.Observation) -> bool:
    """Whether a signal has stopped a process of the service."""
    return any(process.state in STOPPED_STATES for process in seen.managed)
