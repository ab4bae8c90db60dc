# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incident types as the inventory describes them, and the severity that follows from what was found. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach import SEVERITIES as FINDINGS
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import GOOD, Fleet, Host, Service
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.finders import Evidence, breached
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import UNREACHABLE

SEVERITIES = ("P0", "P1", "P2", "P3")
_KEYS = (
    "title", "severity", "services", "tier", "conditions", "probes", "slower_than", "patterns", "unreachable",
    "findings",
)  # fmt: skip
_LOOK_AT = ("services", "tier", "conditions", "probes", "slower_than", "patterns", "unreachable", "findings")


@dataclass(frozen=True)
class IncidentType:
    """What it looks like. Of a service: all criteria that are given; empty ones say nothing.

    ``probes``: one of these is red. ``slower_than``: seconds. ``patterns`` (of logs), ``unreachable`` and ``findings``
    (severities of signs of a breach) are about hosts, and stand for themselves.
    """

    name: str
    title: str
    severity: str
    services: tuple[str, ...] = ()
    tier: str = ""
    conditions: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    slower_than: float | None = None
    patterns: tuple[str, ...] = ()
    unreachable: bool = False
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Symptom:
    """An incident type that fits. ``confirmed``: probes say so; otherwise it is only what a log says."""

    type: IncidentType
    evidence: tuple[Evidence, ...]

    @property
    def confirmed(self) -> bool:
        """Whether the suggested severity may rest on it."""
        return not self.type.patterns

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.type.name,
            "title": self.type.title,
            "severity": self.type.severity,
            "confirmed": self.confirmed,
            "evidence": [each.to_dict() for each in self.evidence],
        }


def read_types(raw: Mapping[str, Any]) -> tuple[IncidentType, ...]:
    """Name → {title, severity, and what it looks like}; an empty entry takes a default away. Raises IncidentError."""
    return tuple(_read_type(str(name), given) for name, given in raw.items() if given)


def symptoms(fleet: Fleet, types: tuple[IncidentType, ...]) -> tuple[Symptom, ...]:
    """Those that fit, the most severe first, otherwise as declared."""
    found = [Symptom(each, tuple(_evidence(fleet, each))) for each in types]
    return tuple(sorted((each for each in found if each.evidence), key=lambda each: each.type.severity))


def suggested(found: tuple[Symptom, ...]) -> str:
    """The highest severity that probes stand behind; empty when there is none."""
    return min((each.type.severity for each in found if each.confirmed), default="")


def _read_type(name: str, given: Any) -> IncidentType:
    about = f"The incident type {name}"
    if not isinstance(given, Mapping):
        raise IncidentError(f"{about} must be a mapping.", "Give it a title, a severity and what it looks like.")
    unknown = [str(key) for key in given if key not in _KEYS]
    if unknown:
        raise IncidentError(f"{about} knows no {unknown[0]}.", f"It has {', '.join(_KEYS)}.")
    severity = str(given.get("severity", "")).upper()
    if severity not in SEVERITIES:
        raise IncidentError(f"{about} has no severity.", f"It is one of {', '.join(SEVERITIES)}.")
    strange = [str(word) for word in given.get("findings") or () if word not in FINDINGS]
    if strange:
        raise IncidentError(f"{about} knows no finding {strange[0]}.", f"It is one of {', '.join(FINDINGS)}.")
    if not any(given.get(key) for key in _LOOK_AT):
        raise IncidentError(f"{about} fits everything.", f"Say what it looks like: {', '.join(_LOOK_AT)}.")
    slower = given.get("slower_than")
    return IncidentType(
        name=name,
        title=str(given.get("title") or name.replace("_", " ")),
        severity=severity,
        tier=str(given.get("tier") or ""),
        slower_than=None if slower is None else parse_duration(slower),
        unreachable=bool(given.get("unreachable")),
        **{
            key: tuple(map(str, given.get(key) or ()))
            for key in ("services", "conditions", "probes", "patterns", "findings")
        },
    )


def _evidence(fleet: Fleet, wanted: IncidentType) -> Iterator[Evidence]:
    for host in fleet.hosts:
        if wanted.unreachable and host.state == UNREACHABLE:
            yield Evidence(host.name, "", "connection", host.message)
        for found in host.logs.named(*wanted.patterns):
            yield Evidence(host.name, ", ".join(found.services), f"log {found.name}", f"{found.count} lines")
        yield from breached(*wanted.findings)(host, fleet)
        if not (wanted.unreachable or wanted.patterns or wanted.findings):
            yield from _of_services(host, wanted)


def _of_services(host: Host, wanted: IncidentType) -> Iterator[Evidence]:
    for service in host.services:
        if wanted.services and service.name not in wanted.services:
            continue
        if wanted.tier and service.tier != wanted.tier:
            continue
        yield from _of_service(host, service, wanted)


def _of_service(host: Host, service: Service, wanted: IncidentType) -> Iterator[Evidence]:
    checks = [check for check in service.checks if not wanted.probes or check.probe in wanted.probes]
    if wanted.slower_than is not None:
        late = [check for check in checks if check.status in GOOD and (check.latency or 0.0) >= wanted.slower_than]
        yield from (
            Evidence(host.name, service.name, f"check {check.probe}", f"answers after {check.latency:.2f}s")
            for check in late
        )
    elif wanted.probes:
        yield from (
            Evidence(host.name, service.name, f"check {check.probe}", f"{check.reason}: {check.message}")
            for check in checks
            if check.status not in GOOD
        )
    elif not service.healthy and (not wanted.conditions or service.condition in wanted.conditions):
        yield Evidence(host.name, service.name, "condition", f"is {service.condition}: {service.message}")
