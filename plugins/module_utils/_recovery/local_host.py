# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host this code runs on: /proc, managers, probes, files."""

from __future__ import annotations

import os
import pwd
import time
from dataclasses import replace
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec, Service
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._command import run_command
from ansible_collections.toombos.incident.plugins.module_utils._config.standing import declared, faults, standing
from ansible_collections.toombos.incident.plugins.module_utils._config.types import Standing
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.paths import paths_of
from ansible_collections.toombos.incident.plugins.module_utils._managers.make import make_manager
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import Manager
from ansible_collections.toombos.incident.plugins.module_utils._managers.unit_of import unit_of_main_process
from ansible_collections.toombos.incident.plugins.module_utils._probe.runner import run_probes
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Check, Probe
from ansible_collections.toombos.incident.plugins.module_utils._process.kill import stop_processes
from ansible_collections.toombos.incident.plugins.module_utils._process.listeners import read_listeners
from ansible_collections.toombos.incident.plugins.module_utils._process.match import own_processes
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.module_utils._process.types import (
    Listener,
    Process,
    ProcessTable,
    StopResult,
)
from ansible_collections.toombos.incident.plugins.module_utils._recovery.log_hint import last_error
from ansible_collections.toombos.incident.plugins.module_utils._recovery.temp import Cleared, clear_temp, count_temp
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_LONG_PATIENCE = 15.0  # seconds for all of /proc
_PATIENCE = 2.0  # seconds for a file system to answer


class LocalHost:
    """The host this code runs on. ``state_dir`` keeps records and locks of the collection until the next boot,
    ``store_dir`` what must last (empty: nothing is known to be good).

    ``defers``: somebody completes the checks that this host cannot judge, see ``_probe.pending``.
    """

    def __init__(self, clock: Clock, state_dir: str, store_dir: str = "", defers: bool = False) -> None:
        self.clock = clock
        self._store_dir = store_dir
        self._defers = defers
        self._state_dir = state_dir

    def table(self) -> ProcessTable:
        """Read /proc. It can hang there, too, on a process that is stuck in the kernel. Raises IncidentError."""
        try:
            return call_by(self.clock.monotonic() + _LONG_PATIENCE, self.clock, read_table)
        except Overdue:
            raise IncidentError(
                f"/proc could not be read within {_LONG_PATIENCE:.0f} s: a process is stuck in the kernel.",
                "Look for processes in state D, and for the storage that they wait for.",
            ) from None

    def listeners(self, ports: Sequence[int], table: ProcessTable) -> tuple[Listener, ...]:
        """Ask the kernel, or read /proc/net."""
        return read_listeners(ports, table) if ports else ()

    def own(self, service: Service, table: ProcessTable) -> tuple[Process, ...]:
        """Match command line, working directory and user."""
        return own_processes(service.manager, table)

    def misowned(self, service: Service, table: ProcessTable) -> tuple[Process, ...]:
        """Match everything but the user."""
        if service.manager.user is None:
            return ()
        ours = {process.identity for process in self.own(service, table)}
        anybodys = own_processes(replace(service.manager, user=None), table)
        return tuple(process for process in anybodys if process.identity not in ours)

    def keeper(self, process: Process) -> str:
        """Ask systemd, where the process lives in a unit's cgroup."""
        return unit_of_main_process(process.pid)

    def age(self, process: Process) -> float:
        """The kernel counts in clock ticks since boot, time in suspend included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - process.start / os.sysconf("SC_CLK_TCK")

    def absent(self, paths: Sequence[str], deadline: float) -> tuple[str, ...]:
        """Ask the file system, but not for ever: a dead mount does not answer."""
        until = min(deadline, self.clock.monotonic() + _PATIENCE)
        try:
            return call_by(until, self.clock, lambda: tuple(path for path in paths if _is_absent(path)))
        except Overdue:
            return ()

    def manager(self, service: Service) -> Manager:
        """One adapter per kind."""
        return make_manager(
            service.name,
            service.manager,
            clock=self.clock,
            state_dir=self._state_dir,
            stop_timeout=service.limits.stop_timeout,
        )

    def probe(self, probes: Sequence[Probe], deadline: float) -> list[Check]:
        """Ask all at once."""
        return run_probes(probes, deadline=deadline, wait=False, clock=self.clock, defers=self._defers)

    def config_error(self, service: Service, deadline: float) -> str:
        """Look at the files, and run the declared validator as the service's user.

        It must not write bytecode into the application.
        """
        config = service.config
        fault = faults(config, paths_of(declared(service)))
        if fault:
            return ": ".join(fault)
        timeout = max(0.1, min(config.timeout, deadline - self.clock.monotonic()))
        if not config.validate:
            return _definition_error(service.manager, timeout)
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        argv = _as_user(service.manager.user) + list(config.validate)
        answer = run_command(argv, timeout=timeout, cwd=config.cwd or service.manager.cwd, env=environment)
        # A validator that cannot be run proves nothing about the configuration: only its own "no" counts.
        if answer.error or answer.timed_out or answer.rc in (0, None):
            return ""
        lines = [line.strip() for line in (answer.stderr or answer.stdout).splitlines() if line.strip()]
        if lines and lines[0].startswith("runuser: "):
            return ""  # it was never begun
        return redact(" / ".join(lines[-4:]))[:300] or f"the validator ends with rc {answer.rc}"

    def config_standing(self, service: Service, age: float | None) -> Standing:
        """Look at the files in place, and at the record of what is known to be good."""
        return standing(service, self._store_dir, age)

    def last_error(self, service: Service) -> str:
        """Read the tail of its logs."""
        return last_error(service.logs)

    def temp_entries(self, service: Service) -> int:
        """Count, without changing anything."""
        return count_temp(service.temp)

    def clear_temp(self, service: Service) -> Cleared:
        """Remove what the declaration names."""
        return clear_temp(service.temp)

    def end_processes(self, processes: Sequence[Process], grace: float) -> StopResult:
        """TERM, wait, CONT and KILL, by verified identity."""
        return stop_processes(processes, grace=grace, clock=self.clock)


def _definition_error(spec: ManagerSpec, timeout: float) -> str:
    """What compose says of the files that define the service, where that is what defines it."""
    if not spec.contained:
        return ""
    from ansible_collections.toombos.incident.plugins.module_utils._managers.compose_program import definition_error

    return definition_error(spec, timeout)


def _is_absent(path: str) -> bool:
    """Certainly not there: a directory that this user may not enter proves nothing."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _as_user(user: str | None) -> list[str]:
    """A prefix that drops root: application code must not run with more rights than the application has."""
    if not user or os.geteuid() != 0:
        return []
    try:
        if pwd.getpwnam(user).pw_uid == 0:
            return []
    except KeyError:
        return []
    return ["runuser", "-u", user, "--"]
