# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads ``incident_services`` and ``incident_host_probes``; every problem at once, each under the path of its entry."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.config import parse_config
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.cross import cross_problems
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import (
    NAME,
    NAME_RULE,
    Fields,
    Malformed,
    did_you_mean,
    kind_of,
    read_integer_from,
    read_path,
    read_pattern,
    read_port,
    read_text,
    read_timeout,
)
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.managers import parse_manager
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import dependency_order
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.temp import read_temp
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import (
    APPLICATION,
    TIERS,
    Catalogue,
    Limits,
    ManagerSpec,
    Service,
    Workers,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import ProbeSpecError
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_views import parse_views
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Probe

_OPTIONAL_KEYS = ("tier", "ports", "depends_on", "restart_with", "logs", "temp", "config", "workers", "limits")
_LIMITS: Mapping[str, Callable[[Any], Any]] = {
    "attempts": read_integer_from(1),
    "ready_timeout": read_timeout,
    "stop_timeout": read_timeout,
    "restarts_per_hour": read_integer_from(0),
}


def parse_catalogue(raw: Any) -> Catalogue:
    """The catalogue in ``incident_services``, a mapping of service name → entry (docs/catalogue.md).

    Raises CatalogueError with all problems at once, each as ``<path of the entry>: <what is wrong>``.
    """
    if not isinstance(raw, Mapping):
        raise CatalogueError([f"incident_services: must be a mapping of service names, not {kind_of(raw)}"])
    if not raw:
        raise CatalogueError(["incident_services: declares no service"])
    problems: list[str] = []
    services = {str(name): _parse_service(name, entry, problems) for name, entry in raw.items()}
    problems.extend(cross_problems(services))
    if problems:
        raise CatalogueError(problems)
    return Catalogue(services, dependency_order({name: service.depends_on for name, service in services.items()}))


def parse_host_probes(raw: Any) -> tuple[Probe, ...]:
    """The probes in ``incident_host_probes``, as written; they belong to no service. Raises CatalogueError."""
    return _parse_host_views(raw)[0]


def parse_controller_host_probes(raw: Any) -> tuple[Probe, ...]:
    """Those of them that the controller asks. Raises CatalogueError."""
    return _parse_host_views(raw)[1]


def _parse_host_views(raw: Any) -> tuple[tuple[Probe, ...], tuple[Probe, ...]]:
    if isinstance(raw, Mapping) and not raw:
        return (), ()  # a host may be asked nothing about itself; only a service must be judged
    problems: list[str] = []
    views = _parse_probes(Fields(raw, "incident_host_probes", problems), "", problems)
    if problems:
        raise CatalogueError(problems)
    return views


def _parse_service(name: Any, raw: Any, problems: list[str]) -> Service:
    fields = Fields(raw, str(name), problems)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        fields.note("", f"{name!r} cannot be the name of a service, {NAME_RULE}")
    fields.keys("a service", ("manager", "probes"), _OPTIONAL_KEYS)
    inside, outside = _parse_probes(fields.inner("probes"), str(name), problems) if fields.has("probes") else ((), ())
    manager = parse_manager(fields.inner("manager")) if fields.has("manager") else ManagerSpec(kind="")
    return Service(
        name=str(name),
        manager=manager,
        tier=fields.one("tier", _read_tier) or APPLICATION,
        ports=fields.many("ports", read_port),
        depends_on=fields.many("depends_on", read_text),
        restart_with=fields.many("restart_with", read_text),
        probes=inside,
        controller_probes=outside,
        logs=fields.many("logs", read_path),
        temp=fields.many("temp", read_temp),
        config=parse_config(fields.inner("config"), manager.cwd),
        workers=_parse_workers(fields.inner("workers")),
        limits=_parse_limits(fields.inner("limits")),
    )


def _read_tier(value: Any) -> str:
    if value not in TIERS:
        raise Malformed(f"{value!r} is no tier{did_you_mean(value, TIERS)}, it is one of {', '.join(TIERS)}")
    return str(value)


def _parse_probes(fields: Fields, service: str, problems: list[str]) -> tuple[tuple[Probe, ...], tuple[Probe, ...]]:
    """What the host is asked, and what is asked from the controller."""
    if fields.readable and not fields.items():
        fields.note("", "declares no probe, so nothing could be judged")
    views = []
    for name, raw in fields.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            fields.note(name, f"{name!r} cannot be the name of a probe, {NAME_RULE}")
            continue
        try:
            views.append(parse_views(str(name), raw, service=service, where=f"{fields.where}.{name}"))
        except ProbeSpecError as error:
            problems.extend(error.problems)
    if service and views and not any(view.host for view in views):
        fields.note("", "is asked from the controller only, so a recovery could not judge it on the host")
    return (
        tuple(view.host for view in views if view.host),
        tuple(view.controller for view in views if view.controller),
    )


def _parse_workers(fields: Fields) -> Workers:
    if not fields.items():
        return Workers()
    fields.keys("workers", ("min",), ("match",))
    return Workers(fields.one("min", read_integer_from(1)) or 0, fields.one("match", read_pattern) or "")


def _parse_limits(fields: Fields) -> Limits:
    fields.keys("limits", (), tuple(_LIMITS))
    values = {key: fields.one(key, read) for key, read in _LIMITS.items()}
    return Limits(**{key: value for key, value in values.items() if value is not None})
