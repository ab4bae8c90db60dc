# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A systemd unit, through systemctl: it works on every host that has systemd and needs no D-Bus binding."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult, run_command
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as t
from ansible_collections.toombos.incident.plugins.module_utils._managers.unit_state import (
    PROPERTIES,
    parse_show,
    unit_state,
)
from ansible_collections.toombos.incident.plugins.module_utils._process.types import ProcessTable

_TIMEOUT = 5.0
_POLL = 0.2


class SystemdManager:
    """One unit of the system manager. After ``stop_timeout`` seconds a unit that does not stop is killed."""

    def __init__(self, spec: ManagerSpec, clock: Clock, stop_timeout: float) -> None:
        self._unit = spec.unit or ""
        self._clock = clock
        self._stop_timeout = stop_timeout

    def observe(self, table: ProcessTable) -> t.ManagerState:  # noqa: ARG002 - the protocol's
        """Ask systemd; the table is not needed."""
        answer = _show(self._unit)
        if answer.rc != 0:
            return t.ManagerState(False, t.UNKNOWN, detail=f"systemd does not answer: {_words(answer)}")
        shown = parse_show(answer.stdout)
        return replace(unit_state(self._unit, shown), members=members(shown.get("ControlGroup", "")))

    def start(self, deadline: float) -> None:  # noqa: ARG002 - the protocol's
        """Queue the start. A unit that failed, or was restarted too often, gets a fresh count first."""
        self._usable("start")
        # Refused for a unit that never failed and is not loaded: there is nothing to reset then.
        _systemctl("reset-failed", "--", self._unit)
        self._act("start", "--no-block", "--", self._unit)

    def stop(self, deadline: float) -> None:
        """TERM by systemd; KILL by systemd when its own TimeoutStopSec or our stop timeout have passed."""
        self._usable("stop")
        self._act("stop", "--no-block", "--", self._unit)
        kill_at = self._clock.monotonic() + self._stop_timeout
        while True:
            state = self._usable("stop")
            if state.state in (t.STOPPED, t.FAILED):
                return
            now = self._clock.monotonic()
            if now >= deadline:
                raise ManagerError(
                    f"{self._unit} has not stopped in time; systemd says {state.detail}.",
                    f"Look at systemctl status {self._unit}: a process in uninterruptible sleep cannot be ended.",
                )
            if now >= kill_at:
                kill_at = deadline
                _systemctl("kill", "--signal=KILL", "--", self._unit)
            self._clock.sleep(_POLL)

    def _usable(self, verb: str) -> t.ManagerState:
        state = self.observe(ProcessTable({}))
        if state.state == t.UNKNOWN:
            raise ManagerError(f"{self._unit} cannot be {_PAST[verb]}: {state.detail}.")
        return state

    def _act(self, verb: str, *arguments: str) -> None:
        answer = _systemctl(verb, *arguments)
        if answer.rc != 0:
            raise ManagerError(f"systemd refused to {verb} {self._unit}: {_words(answer)}.", "Run with become: true?")


def show_unit(unit: str) -> dict[str, str]:
    """What systemd says of a unit; empty when it does not answer."""
    answer = _show(unit)
    return parse_show(answer.stdout) if answer.rc == 0 else {}


def members(group: str, root: str = "/sys/fs/cgroup") -> tuple[int, ...]:
    """The pids in a unit's control group: also a worker that has detached itself from its parent belongs to it."""
    if not group.strip("/"):
        return ()
    for hierarchy in ("", "/systemd", "/unified"):
        with contextlib.suppress(OSError, ValueError), open(f"{root}{hierarchy}{group}/cgroup.procs") as file:
            return tuple(int(line) for line in file)
    return ()


def _show(unit: str) -> CommandResult:
    return _systemctl("show", "--property", ",".join(PROPERTIES), "--", unit)


def _systemctl(*arguments: str) -> CommandResult:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "SYSTEMD_COLORS": "0"}
    return run_command(["systemctl", "--no-pager", "--no-ask-password", *arguments], timeout=_TIMEOUT, env=environment)


_PAST = {"start": "started", "stop": "stopped"}


def _words(answer: CommandResult) -> str:
    if answer.timed_out:
        return f"no answer within {_TIMEOUT:.0f} s"
    lines = [line.strip() for line in (answer.error or answer.stderr or answer.stdout).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else f"rc {answer.rc}"
