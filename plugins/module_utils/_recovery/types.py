# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of recovery: what was observed of a service, what that means, and what will be done."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._managers.types import ManagerState
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import (
    FAIL,
    UNKNOWN as UNANSWERED,
    WARN,
    Check,
)
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Listener, Process

# Conditions: what is the matter with a service. Exactly one at a time.
HEALTHY = "healthy"
STARTING = "starting"
DOWN = "down"
HUNG = "hung"
FAILING = "failing"
CRASH_LOOP = "crash_loop"
FAILED = "failed"
BAD_CONFIG = "bad_config"
FOREIGN = "foreign"
ORPHAN = "orphan"
MANAGER_GONE = "manager_gone"
BLOCKED = "blocked"
UNKNOWN = "unknown"
SPLIT_BRAIN = "split_brain"
WORKER_DEAD = "worker_dead"
DEGRADED = "degraded"
ZOMBIE = "zombie"
WRONG_USER = "wrong_user"
WRONG_SERVICE = "wrong_service"
DELETED = "deleted"

# Steps of a plan.
REFUSE = "refuse"
ROLL_BACK_CONFIG = "roll_back_config"  # planned here, done by config_rollback: it needs more than a restart does
STOP = "stop"
END_PROCESSES = "end_processes"
CLEAR_TEMP = "clear_temp"
START = "start"
WAIT_READY = "wait_ready"
VERIFY = "verify"
MUTATING = frozenset({STOP, END_PROCESSES, CLEAR_TEMP, START})


@dataclass(frozen=True)
class Observation:
    """Everything seen of one service at one moment.

    ``managed`` is the process tree under the pid that the manager names; ``own`` are all processes that carry the
    service's identity, managed or not; ``listeners`` hold its declared ports. ``config_error`` is the validator's
    objection (only asked while the service is red), ``last_error`` the last error line of its log, both redacted.
    ``identity_declared``: the catalogue says enough to tell this service's processes from others.
    ``ended``: zombies where the service should run, with ``collector``, the parent that does not collect them.
    ``misowned``: processes that are the service in everything but the declared user. ``keepers``: pids of strays, and
    of what a plain command took on, each with the unit that keeps it. ``absent``: paths without which a start must
    fail, and that are not there.
    ``age``: seconds since the root of the managed tree was started, None where nothing runs. ``config_fault``: what is
    wrong with the configuration that the running process was started on, or must be started on. ``fallback``: the last
    known good configuration, where it is not what is in place, in words; empty where there is none.
    """

    manager: ManagerState
    managed: tuple[Process, ...] = ()
    own: tuple[Process, ...] = ()
    listeners: tuple[Listener, ...] = ()
    holders: tuple[Process, ...] = ()  # the processes behind the listeners, as far as they can be seen
    checks: tuple[Check, ...] = ()
    config_error: str = ""
    last_error: str = ""
    temp_entries: int = 0
    identity_declared: bool = True
    ended: tuple[Process, ...] = ()
    collector: Process | None = None
    corpses: tuple[Process, ...] = ()  # zombies below a living root
    misowned: tuple[Process, ...] = ()
    keepers: Mapping[int, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    age: float | None = None
    config_fault: str = ""
    fallback: str = ""
    proves: bool = False  # runs on a configuration that is not known to be good yet, and would prove it

    @property
    def red(self) -> tuple[Check, ...]:
        """The checks that are not answered well; a warning is not red."""
        return tuple(check for check in self.checks if check.status in (FAIL, UNANSWERED))

    @property
    def warned(self) -> tuple[Check, ...]:
        """The checks that pass with a warning."""
        return tuple(check for check in self.checks if check.status == WARN)

    @property
    def strays(self) -> tuple[Process, ...]:
        """The service's own processes that its manager does not know of."""
        managed = {process.identity for process in self.managed}
        return tuple(process for process in self.own if process.identity not in managed)

    @property
    def holding(self) -> frozenset[tuple[int, int]]:
        """Identities of the processes that hold its ports."""
        return frozenset(process.identity for process in self.holders)


@dataclass(frozen=True)
class Diagnosis:
    """One condition, why it is believed, and what a person does next if no automatic cure exists."""

    service: str
    condition: str
    message: str
    next: str = ""

    @property
    def healthy(self) -> bool:
        """True for the one good condition."""
        return self.condition == HEALTHY


@dataclass(frozen=True)
class Step:
    """One thing to do. ``service`` is empty for steps of the whole host; ``limit`` in seconds, 0: the service's own."""

    step: str
    service: str
    reason: str
    limit: float = 0.0

    def to_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return {"step": self.step, "service": self.service, "reason": self.reason}


@dataclass(frozen=True)
class Plan:
    """The exact steps about to be applied, in order."""

    steps: tuple[Step, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether applying it would change anything on the host."""
        return any(step.step in MUTATING for step in self.steps)

    @property
    def essence(self) -> tuple[tuple[str, str], ...]:
        """What will be done to what, free of pids, times and prose."""
        return tuple((step.step, step.service) for step in self.steps)

    @property
    def hash(self) -> str:
        """Digest of the essence: equal plans have equal hashes."""
        import hashlib  # pylint: disable=import-outside-toplevel # it loads OpenSSL

        return hashlib.sha256(json.dumps(self.essence, separators=(",", ":")).encode()).hexdigest()[:16]

    def of(self, service: str) -> tuple[Step, ...]:
        """The steps of one service."""
        return tuple(step for step in self.steps if step.service == service)


@dataclass(frozen=True)
class StepResult:
    """What became of a step. ``status`` is done, skipped or failed; ``duration`` in seconds."""

    step: str
    service: str
    attempt: int
    status: str
    message: str
    duration: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**self.__dict__, "duration": round(self.duration, 3)}


@dataclass(frozen=True)
class HostView:
    """All observations of a host at one moment, with the answers to the questions about the host itself."""

    services: Mapping[str, Observation]
    host_checks: tuple[Check, ...] = ()
