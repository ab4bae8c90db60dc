# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a manager's declaration to its adapter."""

from __future__ import annotations

from typing import Callable

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError
from ansible_collections.toombos.incident.plugins.module_utils._managers.process import ProcessManager
from ansible_collections.toombos.incident.plugins.module_utils._managers.supervisor import SupervisorManager
from ansible_collections.toombos.incident.plugins.module_utils._managers.systemd import SystemdManager
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import Manager


def _compose(_name: str, spec: ManagerSpec, clock: Clock, _state: str, stop_timeout: float) -> Manager:
    # The largest of the adapters, and most hosts have no containers.
    from ansible_collections.toombos.incident.plugins.module_utils._managers.compose import ComposeManager

    return ComposeManager(spec, clock, stop_timeout)


_BACKENDS: dict[str, Callable[[str, ManagerSpec, Clock, str, float], Manager]] = {
    "supervisor": lambda _name, spec, clock, _state, stop_timeout: SupervisorManager(spec, clock, stop_timeout),
    "systemd": lambda _name, spec, clock, _state, stop_timeout: SystemdManager(spec, clock, stop_timeout),
    "process": ProcessManager,
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
