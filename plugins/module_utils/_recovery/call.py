# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the recovery: from options to result."""

from __future__ import annotations

from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import select
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import (
    parse_catalogue,
    parse_host_probes,
)
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.brakes import Authority, HostBrakes
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Engine, Recovery, Request
from ansible_collections.toombos.incident.plugins.module_utils._recovery.history import HealthHistory
from ansible_collections.toombos.incident.plugins.module_utils._recovery.local_host import LocalHost
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import recovery_lock
from ansible_collections.toombos.incident.plugins.module_utils._recovery.report import to_dict
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration


def recover(params: dict[str, Any], check_mode: bool, defers: bool = False) -> dict[str, Any]:
    """The result of the module service_recovery with these options. Raises IncidentError for what must be refused.

    ``defers``: somebody completes the checks that this host cannot judge, see ``_probe.pending``.
    """
    clock = Clock()
    catalogue = parse_catalogue(params["services"])
    request = Request(
        names=select(catalogue, params["only"]),
        deadline=clock.monotonic() + parse_duration(params["deadline"]),
        force=params["force"],
        stable_for=parse_duration(params["stable_for"]),
        host_probes=parse_host_probes(params["host_probes"]),
        approved=_approved(params["approved_plan"]),
    )
    authority = Authority(**{key: params[key] for key in ("owner", "reason", "freeze", "takeover", "break_glass")})
    if (authority.takeover or authority.break_glass) and not authority.reason:
        raise IncidentError("takeover and break_glass need a reason.", "Say why, and who you are.")
    brakes = HostBrakes(params["state_dir"], authority)
    engine = Engine(LocalHost(clock, params["state_dir"], params["store_dir"], defers), catalogue, brakes)
    history = HealthHistory(params["state_dir"])
    applied = params["state"] == "recovered" and not check_mode
    if applied:
        who = " ".join((authority.owner, authority.reason))
        patience = min(parse_duration(params["lock_timeout"]), request.deadline - clock.monotonic())
        with recovery_lock(params["state_dir"], who, authority.takeover, patience=patience, clock=clock):
            recovery = engine.recover(request)
            for seen in (recovery.before, recovery.after):
                history.remember({name: diagnosis.healthy for name, diagnosis in seen.found.items()})
    else:
        assessment = engine.look(request)
        recovery = Recovery(assessment, assessment)
    result = to_dict(catalogue, recovery, applied=applied, flapping=history.flapping())
    result["overrides"] = brakes.overrides
    if params["state"] == "assessed":
        result["changed"] = False
    return result


def _approved(plan: list[dict[str, Any]]) -> tuple[tuple[str, str], ...] | None:
    return tuple((str(step.get("step")), str(step.get("service"))) for step in plan) or None
