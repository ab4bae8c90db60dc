# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between the entries of a catalogue; each check yields its problems."""

from __future__ import annotations

from typing import Iterator, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import did_you_mean
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import describe_cycle, find_cycles
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.temp import covers
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import OBSERVABILITY, Service

Services = Mapping[str, Service]


def cross_problems(services: Services) -> tuple[str, ...]:
    """All problems between entries, in the order of the checks."""
    return tuple(problem for check in _CHECKS for problem in check(services))


def _dangling(services: Services) -> Iterator[str]:
    for service in services.values():
        for need in service.depends_on:
            if need == service.name:
                yield f"{service.name}.depends_on: a service cannot depend on itself"
            elif need not in services:
                yield f"{service.name}.depends_on: {need!r} is not in the catalogue{did_you_mean(need, services)}"


def _cycles(services: Services) -> Iterator[str]:
    graph = {
        service.name: tuple(need for need in service.depends_on if need != service.name)
        for service in services.values()
    }
    for cycle in find_cycles(graph):
        yield describe_cycle(cycle)


def _restarts(services: Services) -> Iterator[str]:
    for service in services.values():
        for other in service.restart_with:
            if other not in service.depends_on:
                yield f"{service.name}.restart_with: {other!r} is not in its depends_on"
        if service.restart_with and service.tier == OBSERVABILITY:
            yield f"{service.name}.restart_with: an {OBSERVABILITY} service is never stopped by a recovery"


def _ports(services: Services) -> Iterator[str]:
    owners: dict[int, str] = {}
    for service in services.values():
        for port in service.ports:
            owner = owners.setdefault(port, service.name)
            if owner != service.name:
                yield f"{service.name}.ports: {port} is already a port of {owner}"


def _temp(services: Services) -> Iterator[str]:
    """Clearing a temp path must never take away what any service of the host needs."""
    needed: dict[str, str] = {}
    for service in services.values():
        for path, what in _needed_paths(service):
            needed.setdefault(path, what)
    for service in services.values():
        for temp in service.temp:
            for path, what in needed.items():
                if covers(temp, path):
                    yield f"{service.name}.temp: {temp!r} would take away {path!r} ({what})"


def _needed_paths(service: Service) -> Iterator[tuple[str, str]]:
    manager = service.manager
    single = {
        "manager.cwd": manager.cwd,
        "manager.socket": manager.socket,
        "manager.env_file": manager.env_file,
        "manager.log": manager.log,
        "manager.project_directory": manager.project_directory,
        "config.validate.cwd": service.config.cwd,
    }
    for key, path in single.items():
        if path is not None:
            yield path, f"{service.name}.{key}"
    for path in manager.files:
        yield path, f"{service.name}.manager.files"
    for path in service.config.files:
        yield path, f"{service.name}.config.files"
    for path in service.config.trees:
        yield path, f"{service.name}.config.trees"
    for path in service.logs:
        yield path, f"{service.name}.logs"


_CHECKS = (_dangling, _cycles, _restarts, _ports, _temp)
