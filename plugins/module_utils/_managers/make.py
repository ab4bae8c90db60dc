# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a manager's declaration to its adapter."""

from __future__ import annotations

from typing import Callable

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import Manager


# An adapter is imported when a service has it: every call of a module compiles what it imports.
def _supervisor(_name: str, spec: ManagerSpec, clock: Clock, _state: str, stop_timeout: float) -> Manager:
    from ansible_collections.toombos.incident.plugins.module_utils._managers.supervisor import SupervisorManager

    return SupervisorManager(spec, clock, stop_timeout)


def _systemd(_name: str, spec: ManagerSpec, clock: Clock, _state: str, stop_timeout: float) -> Manager:
    from ansible_collections.toombos.incident.plugins.module_utils._managers.systemd import SystemdManager

    return SystemdManager(spec, clock, stop_timeout)


def _process(name: str, spec: ManagerSpec, clock: Clock, state_dir: str, stop_timeout: float) -> Manager:
    from ansible_collections.toombos.incident.plugins.module_utils._managers.process import ProcessManager

    return ProcessManager(name, spec, clock, state_dir, stop_timeout)


def _compose(_name: str, spec: ManagerSpec, clock: Clock, _state: str, stop_timeout: float) -> Manager:
    from ansible_collections.toombos.incident.plugins.module_utils._managers.compose import ComposeManager

    return ComposeManager(spec, clock, stop_timeout)


_BACKENDS: dict[str, Callable[[str, ManagerSpec, Clock, str, float], Manager]] = {
    "supervisor": _supervisor,
    "systemd": _systemd,
    "process": _process,
    "compose": _compose,
}


def make_manager(
    service_name: str, spec: ManagerSpec, *, clock: Clock, state_dir: str, stop_timeout: float = 15.0
) -> Manager:
    """The adapter for one service. ``stop_timeout``: seconds from a polite stop to a forced one.

    Raises ManagerError for a kind that does not exist.
    """
    if spec.kind not in _BACKENDS:
        raise ManagerError(f"There is no manager {spec.kind!r}.", f"It is one of {', '.join(_BACKENDS)}.")
    return _BACKENDS[spec.kind](service_name, spec, clock, state_dir, stop_timeout)
