# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observing a host: probes, managers, processes and listeners of all services, at one moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue, Service
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import ManagerState
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Check, Probe
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Listener, Process, ProcessTable
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.module_utils._recovery.diagnose import diagnose
from ansible_collections.toombos.incident.plugins.module_utils._recovery.host import Host


def observe(
    host: Host,
    catalogue: Catalogue,
    names: Sequence[str],
    deadline: float,
    host_probes: Sequence[Probe] = (),
    forced: frozenset[str] = frozenset(),
) -> t.HostView:
    """Look at the named services and change nothing. ``forced`` ones may be restarted although they are healthy."""
    services = [catalogue.services[name] for name in names]
    before = host.table()
    probes = [probe for service in services for probe in _questions(service, host, before)]
    checks = host.probe(list(host_probes) + probes, deadline)
    asked, answers = checks[: len(host_probes)], checks[len(host_probes) :]
    table = host.table()
    ports = sorted({port for service in services for port in service.ports})
    listeners = host.listeners(ports, table)
    view = {service.name: _look_at(host, service, answers, table, listeners) for service in services}
    return t.HostView(_ask_about_causes(host, catalogue, view, deadline, forced), tuple(asked))


def _questions(service: Service, host: Host, table: ProcessTable) -> list[Probe]:
    """The probes of something that should be running now.

    The initial delay belongs to a fresh start. Asking again is for answers that may have been bad luck: where there is
    no process, one refusal is the truth, and waiting for the second would only make the outage longer.
    """
    identifiable = bool(service.manager.match or service.manager.command)
    gone = identifiable and not host.own(service, table) and not host.listeners(service.ports, table)
    return [
        replace(
            probe,
            schedule=replace(
                probe.schedule,
                initial_delay=0.0,
                failure_threshold=1 if gone else probe.schedule.failure_threshold,
            ),
        )
        for probe in service.probes
    ]


def _look_at(
    host: Host, service: Service, checks: Sequence[Check], table: ProcessTable, listeners: Sequence[Listener]
) -> t.Observation:
    state = host.manager(service).observe(table)
    held = tuple(listener for listener in listeners if listener.port in service.ports)
    pids = sorted({pid for listener in held for pid in listener.pids})
    own = host.own(service, table)
    managed = _managed(state, table)
    return t.Observation(
        manager=state,
        managed=managed,
        own=_with_descendants(own, table),
        listeners=held,
        holders=tuple(table.processes[pid] for pid in pids if pid in table.processes),
        checks=tuple(check for check in checks if check.service == service.name),
        temp_entries=host.temp_entries(service),
        identity_declared=bool(service.manager.match or service.manager.command or managed),
    )


def _managed(state: ManagerState, table: ProcessTable) -> tuple[Process, ...]:
    if state.pid is None:
        return ()
    # A zombie is not a service that runs.
    return tuple(process for process in table.tree(state.pid) if process.state != "Z")


def _with_descendants(roots: Sequence[Process], table: ProcessTable) -> tuple[Process, ...]:
    """Workers often look different from their parent; they belong to the service all the same."""
    found: dict[int, Process] = {}
    for root in roots:
        for process in table.tree(root.pid):
            if process.state != "Z":
                found[process.pid] = process
    return tuple(found.values())


def _ask_about_causes(
    host: Host, catalogue: Catalogue, view: Mapping[str, t.Observation], deadline: float, forced: frozenset[str]
) -> dict[str, t.Observation]:
    """Validators and logs are asked only for what may be restarted: they cost time, and a healthy host owes none."""
    full = dict(view)
    found = diagnose(catalogue, view)
    for name, diagnosis in found.items():
        service = catalogue.services[name]
        taken_along = any(other in found and not found[other].healthy for other in service.restart_with)
        if diagnosis.healthy and name not in forced and not taken_along:
            continue
        full[name] = replace(
            view[name], config_error=host.config_error(service, deadline), last_error=host.last_error(service)
        )
    return full
