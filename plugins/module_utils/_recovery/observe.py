# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observing a host: probes, managers, processes and listeners of all services, at one moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue, Service
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Check, Probe
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import GONE
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Listener, ProcessTable
from ansible_collections.toombos.incident.plugins.module_utils._recovery import signs, types as t
from ansible_collections.toombos.incident.plugins.module_utils._recovery.diagnose import diagnose
from ansible_collections.toombos.incident.plugins.module_utils._recovery.host import Host

_RESPAWN = 1.0  # seconds until a worker that died should have been replaced, and whatever died collected


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
    view = _look(host, services, answers)
    if any(_lacks_workers(service, view[service.name]) or view[service.name].ended for service in services):
        # A parent that replaces its workers by itself gets the time to do so, and one that has a child to collect.
        host.clock.sleep(_RESPAWN)
        view = _look(host, services, answers)
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


def _look(host: Host, services: Sequence[Service], answers: Sequence[Check]) -> dict[str, t.Observation]:
    table = host.table()
    listeners = host.listeners(sorted({port for service in services for port in service.ports}), table)
    return {service.name: _look_at(host, service, answers, table, listeners) for service in services}


def _lacks_workers(service: Service, seen: t.Observation) -> bool:
    return signs.missing_workers(service.workers, seen.managed) > 0


def _look_at(
    host: Host, service: Service, checks: Sequence[Check], table: ProcessTable, listeners: Sequence[Listener]
) -> t.Observation:
    state = host.manager(service).observe(table)
    managed = signs.managed_tree(state, table)
    held = tuple(listener for listener in listeners if listener.port in service.ports)
    pids = sorted({pid for listener in held for pid in listener.pids})
    own = signs.unclaimed(host.own(service, table), state, table)
    inside = {process.identity for process in managed}
    strays = [process for process in own if process.identity not in inside]
    dead = [process for process in table.tree(state.pid) if process.state in GONE] if state.pid else []
    ended = tuple(process for process in dead if process.pid == state.pid)
    seen = t.Observation(
        manager=state,
        managed=managed,
        own=own,
        listeners=held,
        holders=tuple(table.processes[pid] for pid in pids if pid in table.processes),
        checks=tuple(check for check in checks if check.service == service.name),
        temp_entries=host.temp_entries(service),
        identity_declared=bool(
            service.manager.contained or service.manager.match or service.manager.command or managed
        ),
        ended=ended,
        corpses=tuple(process for process in dead if process.pid != state.pid),
        collector=table.processes.get(ended[0].ppid) if ended else None,
        misowned=tuple(process for process in host.misowned(service, table) if process.identity not in inside),
        age=host.age(managed[0]) if managed else None,
    )
    # A plain command takes on what runs already, also what is another manager's; while that one serves, it is as good.
    adopted = managed[:1] if service.manager.kind == "process" and seen.red else ()
    doubtful = (*adopted, *signs.roots(strays))
    standing = host.config_standing(service, seen.age)
    return replace(
        seen,
        keepers={root.pid: unit for root in doubtful if (unit := host.keeper(root))},
        config_fault=standing.fault,
        fallback=standing.fallback,
        proves=standing.unproven,
    )


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
            view[name],
            config_error=host.config_error(service, deadline),
            last_error=host.last_error(service),
            absent=host.absent(signs.needed(service.manager, view[name].managed), deadline),
        )
    return full
