# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One investigation: the facts, what follows from them, and the same as plain data. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import Fleet, Host
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.hypotheses import Ranking, rank
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.side_by_side import (
    Difference,
    Event,
    differences,
    first_errors,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.steps import next_step
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.symptoms import (
    IncidentType,
    Symptom,
    suggested,
    symptoms,
)


@dataclass(frozen=True)
class Asked:
    """What was to be found out. ``now`` in seconds since the epoch; ``window``: which part of the logs was read."""

    incident: str
    owner: str
    services: tuple[str, ...]
    window: str
    now: float


@dataclass(frozen=True)
class Investigation:
    """Everything that the report tells."""

    asked: Asked
    fleet: Fleet
    ranking: Ranking
    symptoms: tuple[Symptom, ...]
    events: tuple[Event, ...]
    differences: tuple[Difference, ...]

    @property
    def severity(self) -> str:
        """What probes suggest, ``P0`` to ``P3``; empty where nothing does."""
        return suggested(self.symptoms)

    @property
    def well(self) -> bool:
        """Whether nothing at all is wrong, as far as probes can tell."""
        return not self.ranking.affected and not self.severity

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, texts clean."""
        return {
            "incident": self.asked.incident,
            "severity": self.severity,
            "affected": list(self.ranking.affected),
            "hypotheses": [
                {**each.to_dict(), "next": next_step(each, self.fleet).__dict__} for each in self.ranking.hypotheses
            ],
            "leads": [each.to_dict() for each in self.ranking.leads],
            "symptoms": [each.to_dict() for each in self.symptoms],
            "timeline": [dict(each.__dict__) for each in self.events],
            "differences": [
                {"service": each.service, "hosts": {word: list(hosts) for word, hosts in each.hosts}}
                for each in self.differences
            ],
            "hosts": {host.name: _host(host) for host in self.fleet.hosts},
        }


def investigate(asked: Asked, fleet: Fleet, types: tuple[IncidentType, ...]) -> Investigation:
    """What follows from the facts."""
    return Investigation(asked, fleet, rank(fleet), symptoms(fleet, types), first_errors(fleet), differences(fleet))


def _host(host: Host) -> dict[str, Any]:
    return {
        "state": host.state,
        "message": host.message,
        "services": {service.name: service.condition for service in host.services},
        "breach": host.breach.to_dict(),
        "resources": {check.probe: {"status": check.status, "message": check.message} for check in host.about},
        "logs": {
            "files": host.logs.files,
            "problem": host.logs.problem,
            "counts": {pattern.name: pattern.count for pattern in host.logs.patterns},
        },
    }
