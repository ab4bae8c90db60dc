# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of modules as an investigation gets them, and a fleet made of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import parse_catalogue
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach_reading import read_breach
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import Fleet, Thresholds
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.reading import read_host

UNIT = {"kind": "systemd", "unit": "x.service"}
PROBES = {"live": {"kind": "tcp", "port": 1}}
CATALOGUE = parse_catalogue(
    {
        "payments": {"manager": UNIT, "probes": PROBES},
        "db": {"manager": UNIT, "probes": PROBES},
        "web": {
            "manager": UNIT,
            "probes": PROBES,
            "ports": [80],
            "depends_on": ["payments", "db"],
            "config": {"files": ["/etc/web.conf"], "validate": {"command": "web -t"}},
        },
        "metrics": {"manager": UNIT, "probes": PROBES, "tier": "observability"},
    }
)
SETS = ("errors", "startup", "configuration", "resources", "database_trouble", "network", "dependency", "security")


class World:
    """Makes results of modules, and of these a fleet."""

    unreachable = {"unreachable": True, "msg": "Connection timed out"}
    failed = {"failed": True, "msg": "no Python"}

    def check(self, service: str = "web", status: str = "pass", reason: str = "ok", **more: Any) -> dict[str, Any]:
        """An answer to a probe."""
        plain = {"probe": "live", "kind": "http", "message": f"{reason}!", "observed": None, "latency": 0.01}
        return {"service": service, "status": status, "reason": reason, **plain, **more}

    def about(self, kind: str, status: str = "pass", **more: Any) -> dict[str, Any]:
        """An answer to a question about the host itself."""
        reason = "ok" if status == "pass" else "over_limit"
        return self.check("", status, **{"reason": reason, "probe": kind, "kind": kind, **more})

    def service(self, name: str, condition: str = "healthy", *checks: dict[str, Any], **more: Any) -> dict[str, Any]:
        """An entry of an assessment."""
        tier = "observability" if name == "metrics" else "application"
        found = {"name": name, "tier": tier, "condition": condition, "message": f"{name} is {condition}", "next": ""}
        return {**found, "checks": list(checks) or [self.check(name)], "flapping": "", "listeners": [], **more}

    def assessment(self, *services: dict[str, Any], about: Any = (), **conditions: str) -> dict[str, Any]:
        """What service_recovery returns; services that are not named are healthy."""
        known = {each["name"]: each for each in services}
        known.update({name: self.service(name, condition) for name, condition in conditions.items()})
        all_of = [known.get(name) or self.service(name) for name in CATALOGUE.order]
        well = all(each["condition"] == "healthy" for each in all_of)
        return {
            "services": all_of,
            "host_checks": list(about),
            "verdict": {"status": "healthy" if well else "unhealthy", "root_causes": []},
            "plan": [],
            "recovered": well,
            "msg": "all is well" if well else "something is not healthy",
        }

    def logs(self, text: str = "a line", **counts: int) -> dict[str, Any]:
        """What log_scan returns."""
        path, time = "/var/log/web.log", "2026-11-23T14:45:54Z"
        patterns = {
            name: {
                "count": counts.get(name, 0),
                "files": {path: counts[name]} if name in counts else {},
                "first_seen": time if name in counts else None,
                "last_seen": time if name in counts else None,
                "signatures": [{"count": counts[name], "text": text}] if name in counts else [],
                "samples": [{"path": path, "time": time, "text": text}] if name in counts else [],
            }
            for name in SETS
        }
        return {"patterns": patterns, "files": [{"path": path, "service": "web"}], "left_out": [], "unread": []}

    def search(self, *severities: str, **more: Any) -> dict[str, Any]:
        """What ioc_scan returns, with a finding of each of these severities."""
        findings = [
            {
                "id": f"processes-{severity}",
                "check": "processes",
                "severity": severity,
                "title": f"{severity} thing",
                "detail": "/tmp/x, uid 0",
                "supports": ["processes", "files/temporary"],
            }
            for severity in severities
        ]
        checks = {"processes": {"outcome": "found" if findings else "clean", "message": ""}}
        return {
            "findings": findings,
            "findings_left_out": 0,
            "checks": checks,
            "baseline": {"state": "present"},
            "msg": "searched",
            **more,
        }

    def fleet(self, hosts: dict[str, Any], external: Any = (), outside: Any = None, **thresholds: Any) -> Fleet:
        """Host → its assessment, or (assessment, logs), or these and a search for signs of a breach."""
        read = []
        for name, found in hosts.items():
            given = found if isinstance(found, tuple) else (found, self.logs())
            assessment, logs, search = (*given, None)[:3]
            breach = read_breach(search)
            read.append(read_host(name, assessment, logs, CATALOGUE, (outside or {}).get(name, ()), breach))
        return Fleet(tuple(read), Thresholds(**thresholds), frozenset(external))


@pytest.fixture
def world() -> World:
    """A maker of results."""
    return World()
