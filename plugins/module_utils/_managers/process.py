# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain command without a supervisor of its own: remembered by pid and start time, recognised by what it is."""

from __future__ import annotations

import contextlib
import os
import pwd

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._envfile import parse_env_file
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError, ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as t
from ansible_collections.toombos.incident.plugins.module_utils._managers.record import Record, read_record, write_record
from ansible_collections.toombos.incident.plugins.module_utils._managers.service_lock import service_lock
from ansible_collections.toombos.incident.plugins.module_utils._process.kill import stop_processes
from ansible_collections.toombos.incident.plugins.module_utils._process.match import is_ours, own_roots
from ansible_collections.toombos.incident.plugins.module_utils._process.scope import Scope
from ansible_collections.toombos.incident.plugins.module_utils._process.spawn import spawn_detached
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable


class ProcessManager:
    """One command. Its record and lock are ``<state_dir>/processes/<service>.json`` and ``.lock``."""

    def __init__(self, name: str, spec: ManagerSpec, clock: Clock, state_dir: str, stop_timeout: float) -> None:
        self._name = name
        self._spec = spec
        self._clock = clock
        self._stop_timeout = stop_timeout
        self._record = os.path.join(state_dir, "processes", f"{name}.json")
        self._lock = os.path.join(state_dir, "processes", f"{name}.lock")

    def observe(self, table: ProcessTable) -> t.ManagerState:
        """The recorded process, or else a copy that somebody started by hand; nothing is written."""
        recorded = self._recorded(table)
        roots = self._roots(table, recorded)
        if not roots:
            return self._stopped(table)
        words = f"pid {roots[0].pid}" + ("" if recorded else ", started by hand")
        if len(roots) > 1:
            words += f"; {len(roots)} copies run: pid " + ", ".join(str(root.pid) for root in roots)
        return t.ManagerState(True, t.RUNNING, roots[0].pid, words)

    def _stopped(self, table: ProcessTable) -> t.ManagerState:
        record = read_record(self._record)
        corpse = record.find_uncollected(table) if record else None
        if corpse is None:
            return t.ManagerState(True, t.STOPPED, detail="not running")
        return t.ManagerState(True, t.STOPPED, corpse.pid, f"pid {corpse.pid} has ended")

    def start(self, deadline: float) -> str:
        """Spawn it detached, unless a copy of it runs already, however that one was started; says where it lives."""
        scope = Scope(self._name, self._clock)
        try:
            with service_lock(self._lock, deadline=deadline, clock=self._clock):
                table = read_table()
                if not self._roots(table, self._recorded(table)):
                    self._remember(self._spawn(scope))
        except (IncidentError, OSError) as error:
            raise _failure(f"{self._name} could not be started", error) from error
        return scope.words

    def stop(self, deadline: float) -> None:
        """End the recorded process and every copy, with all their descendants."""
        try:
            with service_lock(self._lock, deadline=deadline, clock=self._clock):
                self._stop(deadline)
        except (IncidentError, OSError) as error:
            raise _failure(f"{self._name} could not be stopped", error) from error

    def _stop(self, deadline: float) -> None:
        table = read_table()
        roots = self._roots(table, self._recorded(table))
        if not roots:
            return
        # Kept although it ends now: the next start takes on the same user.
        self._remember(roots[0])
        grace = max(0.0, min(self._stop_timeout, deadline - self._clock.monotonic()))
        survivors = stop_processes(roots, grace=grace, clock=self._clock).survivors
        if survivors:
            raise ManagerError(
                f"Pid {', '.join(str(pid) for pid in survivors)} is still there.",
                "Run with become: true; a process in uninterruptible sleep waits for its storage.",
            )

    def _remember(self, process: Process) -> None:
        # On a full disk the process is still found by what it is; that must not keep anybody from ending it.
        with contextlib.suppress(OSError):
            write_record(self._record, Record.of(process))

    def _recorded(self, table: ProcessTable) -> Process | None:
        record = read_record(self._record)
        process = record.find(table) if record else None
        if record is None or process is None:
            return None
        # Its arguments as recorded: still what we started, even if the catalogue says something else by now.
        return process if process.argv == record.argv or is_ours(self._spec, process) else None

    def _roots(self, table: ProcessTable, recorded: Process | None) -> list[Process]:
        below = {member.pid for member in table.tree(recorded.pid)} if recorded else set()
        others = [root for root in own_roots(self._spec, table) if root.pid not in below]
        return ([recorded] if recorded else []) + others

    def _spawn(self, scope: Scope) -> Process:
        return spawn_detached(
            self._spec.command,
            cwd=self._spec.cwd or "/",
            user=self._spec.user or self._former_user(),
            env=self._environment(),
            log=self._spec.log,
            clock=self._clock,
            place=scope.take,
        )

    def _former_user(self) -> str | None:
        """Whose it was, where nobody is declared and we may choose: a service keeps its user."""
        record = read_record(self._record)
        if record is None or os.geteuid() != 0:
            return None
        try:
            return pwd.getpwuid(record.uid).pw_name
        except KeyError:
            return None

    def _environment(self) -> dict[str, str]:
        if self._spec.env_file is None:
            return {}
        with open(self._spec.env_file, "rb") as file:
            content = file.read()
        try:
            return parse_env_file(content.decode("utf-8"))
        except UnicodeDecodeError:
            # The decoder's own words would quote the content.
            raise ManagerError(f"{self._spec.env_file} is not UTF-8 text.", "Correct env_file.") from None


def _failure(what: str, error: Exception) -> ManagerError:
    if isinstance(error, IncidentError):
        return ManagerError(f"{what}: {error.message}", error.way_out, error.result)
    return ManagerError(f"{what}: {error}.")
