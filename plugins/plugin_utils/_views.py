# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two views of one service, the host's and the controller's. Where they disagree a restart does not help. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_views import PROMETHEUS
from ansible_collections.toombos.incident.plugins.plugin_utils._fleet import (
    ALL_HEALTHY,
    NOT_RECOVERED,
    RECOVERED,
    FleetVerdict,
)

_GOOD = ("pass", "warn")
_CUT_OFF = "look at the network, the proxy or the firewall, a restart will not help"
_MEASURED = "look at what the query measures, the probes on the host do not see it"
_MASKED = "users are still served, by a cache or by another instance; find out by whom before you rely on it"

Checks = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Disagreement:
    """One question with two answers, each a status; ``kind``, ``reason`` and ``message`` are those of the red one."""

    host: str
    service: str
    probe: str
    on_the_host: str
    from_the_controller: str
    kind: str
    reason: str
    message: str

    @property
    def cut_off(self) -> bool:
        """Whether users see worse than the host."""
        return self.from_the_controller not in _GOOD

    @property
    def sentence(self) -> str:
        """What it means, and what to do."""
        reason = self.reason.replace("_", " ")
        if self.cut_off and self.kind == PROMETHEUS:
            return f"{self.service}: passes on the host, {reason} in Prometheus: {_MEASURED}"
        if self.cut_off:
            return f"{self.service}: passes on the host, {reason} from the controller: {_CUT_OFF}"
        return f"{self.service}: passes from the controller, {reason} on the host: {_MASKED}"

    def to_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return dict(self.__dict__)


def compare(host: str, result: Mapping[str, Any] | None, outside: Checks) -> list[Disagreement]:
    """Where the host's result, the last one of ``service_recovery``, and the controller's checks say opposite things.

    A question that only the controller asks is compared with the condition of the service. A service that the result
    does not know has no view of its own, so there is nothing to compare.
    """
    services = {each.get("name"): each for each in (result or {}).get("services", ())}
    found = []
    for check in outside:
        service = services.get(check["service"])
        if service is None:
            continue
        inside = _inside(service, check["probe"])
        if (inside["status"] in _GOOD) != (check["status"] in _GOOD):
            red = inside if check["status"] in _GOOD else check
            found.append(
                Disagreement(
                    host,
                    check["service"],
                    check["probe"],
                    inside["status"],
                    check["status"],
                    str(check["kind"]),
                    str(red["reason"]),
                    " ".join(str(red["message"]).split()),
                )
            )
    return found


def with_views(
    verdict: FleetVerdict,
    results: Mapping[str, Mapping[str, Any] | None],
    outside: Mapping[str, Checks],
    mode: str,
) -> FleetVerdict:
    """The verdict with the controller's view. ``results``: the last result of each host.

    What users see counts: a host whose services are well and cannot be reached from the controller is not healthy.
    """
    found = [each for host, checks in outside.items() for each in compare(host, results.get(host), checks)]
    red = dict(verdict.red)
    steps: list[str] = []
    for each in found:
        if each.cut_off:
            red.setdefault(each.host, each.sentence)
        steps.append(f"{each.host}/{each.sentence}")
    status = verdict.status
    if red and status in (ALL_HEALTHY, RECOVERED):
        status = NOT_RECOVERED if mode == "recover" else mode
    return replace(
        verdict,
        status=status,
        red=red,
        next=tuple(dict.fromkeys([*steps, *verdict.next])),
        notes=(*verdict.notes, *_notes(results, outside, found)),
        disagreements=tuple(each.to_dict() for each in found),
    )


def _inside(service: Mapping[str, Any], probe: str) -> Mapping[str, Any]:
    """The host's answer to the same question, else the condition of the service."""
    checks: Checks = service.get("checks", ())
    for check in checks:
        if check.get("probe") == probe:
            return check
    word = str(service.get("condition"))
    return {"status": "pass" if word == "healthy" else "fail", "reason": word, "message": service.get("message")}


def _notes(
    results: Mapping[str, Mapping[str, Any] | None], outside: Mapping[str, Checks], found: Sequence[Disagreement]
) -> list[str]:
    """The facts behind each disagreement, and what the controller sees of hosts that could not be judged."""
    notes = [
        f"{each.host}/{each.service}/{each.probe}: {each.on_the_host} on the host, {each.from_the_controller} from the "
        f"controller ({each.message})"
        for each in found
    ]
    for host, checks in outside.items():
        services = (results.get(host) or {}).get("services")
        for check in checks:
            name = f"{host}/{check['service'] or 'host'}/{check['probe']}"
            if services is None or (not check["service"] and check["status"] not in _GOOD):
                notes.append(
                    f"{name}: {check['status']} from the controller ({' '.join(str(check['message']).split())})"
                )
    return notes
