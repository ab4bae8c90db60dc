# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an observation is told to people."""

from __future__ import annotations

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Service
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Check
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

STOPPED_STATES = frozenset({"T", "t"})  # of a process that a signal has stopped


def read_logs(service: Service) -> str:
    """The next step for what does not stay up."""
    return f"Read {', '.join(service.logs) or 'its log'} for why it does not stay up."


def describe(process: Process) -> str:
    """A process for people: pid, state when it is not simply alive, command."""
    state = f", state {process.state}" if process.state in STOPPED_STATES else ""
    command = redact(process.command_line or process.exe or "?")
    return f"pid {process.pid} (uid {process.uid}{state}, {command[:80]})"


def words(seen: t.Observation) -> str:
    """What its manager says."""
    return seen.manager.detail or seen.manager.state


def ports(seen: t.Observation) -> str:
    """The ports on which somebody listens."""
    return ", ".join(sorted({str(listener.port) for listener in seen.listeners}))


def red(seen: t.Observation) -> str:
    """The first checks that are not answered well."""
    return "; ".join(say(check) for check in seen.red[:3])


def say(check: Check) -> str:
    """One check."""
    return f"{check.probe}: {check.reason}, {check.message}"


def odd(service: Service, message: str) -> t.Diagnosis:
    """Signs that contradict each other: nothing is done before a person has looked."""
    return t.Diagnosis(
        service.name,
        t.UNKNOWN,
        message,
        "Look before anything is restarted: run as a user that may see its processes, or correct the catalogue.",
    )
