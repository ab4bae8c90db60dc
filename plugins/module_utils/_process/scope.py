# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scope of its own under systemd for a process that we start, instead of the control group of whoever started it.

What is started over ssh belongs to the session's scope. That one is ended with the connection where logind is told to
(KillUserProcesses=yes), and whenever an administrator ends the session. systemd alone may make control groups, so that
it is asked to, as systemd-run does; busctl comes with it, and can hand over a process that is there already.
"""

from __future__ import annotations

import os
import re

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._command import run_command

_BOOTED = "/run/systemd/system"  # sd_booted(3): there while systemd is what runs the host
_TIMEOUT = 5.0
_PATIENCE = 2.0  # seconds until systemd has moved the process
_POLL = 0.01
_MOST_NAME = 100  # characters; a unit's name has at most 255
_MANAGER = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
_UNIT = re.compile(r"([^/]+\.(?:scope|service))(?:/|$)")


class Scope:
    """Takes in one process. ``words`` say afterwards where it lives; empty where no systemd runs the host."""

    def __init__(self, service: str, clock: Clock, booted: str = _BOOTED) -> None:
        self._service = service
        self._clock = clock
        self._booted = booted
        self.words = ""

    def take(self, pid: int) -> None:
        """Move the process. Never raises: where that is not possible it stays where it is, and ``words`` say why."""
        if not os.path.isdir(self._booted):
            return
        name = f"incident-{self._service[:_MOST_NAME]}-{pid}.scope"
        problem = self._ask(pid, name) or self._wait(pid, name)
        if problem:
            where = unit_of(pid) or "the control group of what started it"
            self.words = f"in {where}, with which it may end ({problem})"
        else:
            self.words = f"in a scope of its own, {name}"

    def _ask(self, pid: int, name: str) -> str:
        """What is in the way; empty when systemd has taken the job on."""
        if os.geteuid() != 0:
            return "only root may ask systemd for a scope of its own"
        properties = ["PIDs", "au", "1", str(pid), "Description", "s", f"{self._service}, started by a recovery"]
        properties += ["CollectMode", "s", "inactive-or-failed"]
        answer = run_command(
            ["busctl", "--quiet", "call", *_MANAGER, "StartTransientUnit", "ssa(sv)a(sa(sv))", name, "fail", "3"]
            + [*properties, "0"],
            timeout=_TIMEOUT,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )
        if answer.rc == 0:
            return ""
        said = [line.strip() for line in (answer.error or answer.stderr).splitlines() if line.strip()]
        return f"systemd could not be asked for a scope: {said[0].rstrip('.') if said else 'no answer'}"

    def _wait(self, pid: int, name: str) -> str:
        deadline = self._clock.monotonic() + _PATIENCE
        while unit_of(pid) != name:
            if self._clock.monotonic() >= deadline:
                return "systemd has not made a scope in time"
            self._clock.sleep(_POLL)
        return ""


def unit_of(pid: int, proc: str = "/proc") -> str:
    """The innermost scope or service of systemd that the process lives in; empty when there is none."""
    try:
        with open(f"{proc}/{pid}/cgroup", encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return ""
    # Version 1 has a hierarchy of systemd's own, version 2 only one, without a name.
    paths = {line[1]: line[2] for line in lines if len(line) == 3 and line[1] in ("name=systemd", "")}
    found = _UNIT.findall(paths.get("name=systemd") or paths.get("", ""))
    return str(found[-1]) if found else ""
