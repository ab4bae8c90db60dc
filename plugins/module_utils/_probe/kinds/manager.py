# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds supervisor and systemd: what the manager says of its program."""

from __future__ import annotations

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import RUNNING, Manager
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import SupervisorTarget, SystemdTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, Outcome
from ansible_collections.toombos.incident.plugins.module_utils._process.types import ProcessTable


def attempt_supervisor(target: SupervisorTarget, deadline: float, context: Context) -> Outcome:
    """Ask supervisord."""
    # Most hosts ask one kind of manager: only that one is imported. The process manager has nothing to be asked.
    from ansible_collections.toombos.incident.plugins.module_utils._managers.supervisor import SupervisorManager

    spec = ManagerSpec(kind="supervisor", program=target.program, socket=target.socket)
    return _ask(target.program, SupervisorManager(spec, context.clock, 0.0), deadline, context)


def attempt_systemd(target: SystemdTarget, deadline: float, context: Context) -> Outcome:
    """Ask systemd."""
    from ansible_collections.toombos.incident.plugins.module_utils._managers.systemd import SystemdManager

    spec = ManagerSpec(kind="systemd", unit=target.unit)
    return _ask(target.unit, SystemdManager(spec, context.clock, 0.0), deadline, context)


def _ask(name: str, manager: Manager, deadline: float, context: Context) -> Outcome:
    try:
        state = call_by(deadline, context.clock, lambda: manager.observe(ProcessTable({})))
    except Overdue:
        return Outcome(FAIL, reasons.TIMEOUT, "the manager did not answer in time", None, RUNNING)
    observed = {"state": state.state, "pid": state.pid, "detail": state.detail}
    if not state.available:
        return Outcome(FAIL, reasons.MANAGER_GONE, state.detail, observed, RUNNING)
    detail = f" ({state.detail})" if state.detail else ""
    message = f"{name} is {state.state}{detail}"
    if state.state != RUNNING:
        return Outcome(FAIL, reasons.NOT_RUNNING, message, observed, RUNNING)
    return Outcome(PASS, reasons.OK, message, observed, RUNNING)
