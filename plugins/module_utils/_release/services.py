# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that run on the code: whether anything may be done, and what their probes say before and after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import select
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import parse_catalogue
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.brakes import Authority, HostBrakes
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import (
    Assessment,
    Engine,
    Recovery,
    Request,
)
from ansible_collections.toombos.incident.plugins.module_utils._recovery.history import HealthHistory
from ansible_collections.toombos.incident.plugins.module_utils._recovery.local_host import LocalHost
from ansible_collections.toombos.incident.plugins.module_utils._recovery.report import to_dict
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration


class Services:
    """Those that ``params`` names (options of service_recovery). ``names``: the ones that are restarted.

    The recovery lock is the caller's: he holds it over several recoveries. Raises IncidentError for wrong options.
    """

    def __init__(self, params: Mapping[str, Any], authority: Authority, clock: Clock) -> None:
        self._catalogue = parse_catalogue(params["services"])
        self._deadline = parse_duration(params["deadline"])
        self._stable_for = parse_duration(params["stable_for"])
        self._clock = clock
        self.names = select(self._catalogue, params["only"])
        self._brakes = HostBrakes(params["state_dir"], authority)
        host = LocalHost(clock, params["state_dir"], params["store_dir"])
        self._engine = Engine(host, self._catalogue, self._brakes)
        self._history = HealthHistory(params["state_dir"])

    @property
    def overrides(self) -> list[str]:
        """What was taken over, and what the glass was broken for."""
        return self._brakes.overrides

    def insist_on_being_free(self) -> None:
        """Raise IncidentError when a freeze or somebody's lease keeps any of them."""
        barred = self._brakes.barred([self._catalogue.services[name] for name in self.names])
        # A freeze is the host's, a lease that of one service.
        frozen = [why for why in barred.values() if why.startswith("changes are frozen")][:1]
        words = frozen or [f"{name} {why}" for name, why in barred.items()]
        if words:
            raise IncidentError(f"Nothing was done: {'; '.join(words)}.")

    def enter(self, seconds: float) -> None:
        """Lease them for that long; a recovery in between gives the leases back."""
        self._brakes.enter(self.names, seconds)

    def check(self) -> None:
        """Before every step that changes something. Raises HeldBack when frozen meanwhile, or overtaken."""
        for name in self.names:
            self._brakes.check(name)

    def leave(self) -> None:
        """Give the leases back."""
        self._brakes.leave()

    def assess(self) -> Assessment:
        """What their probes say; changes nothing."""
        return self._engine.look(self._request(force=False))

    def recover(self, force: bool) -> Recovery:
        """Bring them back; with ``force`` restart also what is healthy."""
        recovery = self._engine.recover(self._request(force))
        for seen in (recovery.before, recovery.after):
            self._history.remember({name: diagnosis.healthy for name, diagnosis in seen.found.items()})
        return recovery

    def report(self, first: Assessment, last: Recovery | None, *, applied: bool) -> dict[str, Any]:
        """The part of the result that is about services: from the first look to the end of the last recovery."""
        whole = replace(last, before=first) if last is not None else Recovery(first, first)
        said = to_dict(self._catalogue, whole, applied=applied, flapping=self._history.flapping())
        return {key: said[key] for key in ("recovered", "verdict", "services", "worsened", "msg")}

    def _request(self, force: bool) -> Request:
        return Request(
            names=self.names,
            deadline=self._clock.monotonic() + self._deadline,
            force=force,
            stable_for=self._stable_for,
        )


def sick(assessment: Assessment) -> frozenset[str]:
    """Those that are not healthy."""
    return frozenset(name for name, diagnosis in assessment.found.items() if not diagnosis.healthy)


def is_better(before: Assessment, after: Assessment) -> bool:
    """Whether something is well that was not, and nothing is sick that was well."""
    return sick(after) < sick(before)


def said_of(assessment: Assessment) -> str:
    """The first of them that is not healthy, in dependency order: it is nearest to the cause."""
    first = next(assessment.found[name] for name in assessment.scope if not assessment.found[name].healthy)
    return f"{first.service} is {first.condition}: {first.message}"
