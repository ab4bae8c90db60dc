# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The view from the controller: the probes of a whole fleet, asked at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import select
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import (
    parse_catalogue,
    parse_controller_host_probes,
)
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._probe.attempts import ATTEMPTS, Attempt
from ansible_collections.toombos.incident.plugins.module_utils._probe.runner import run_probes
from ansible_collections.toombos.incident.plugins.module_utils._probe.schedule import default_deadline
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_views import CONTROLLER_KINDS, PROMETHEUS
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Probe
from ansible_collections.toombos.incident.plugins.plugin_utils import _prometheus

_AT_ONCE = 256  # that many threads the runner has; the rest waits for them

KINDS: Mapping[str, Attempt] = {
    **{kind: ATTEMPTS[kind] for kind in CONTROLLER_KINDS if kind in ATTEMPTS},
    PROMETHEUS: _prometheus.attempt,
}


def questions(services: Any, host_probes: Any, only: Sequence[str] = ()) -> tuple[Probe, ...]:
    """What the controller is to ask about a host, by its ``incident_services`` and ``incident_host_probes``.

    ``only``: names of services; what they need is asked, too. Raises CatalogueError, IncidentError.
    """
    catalogue = parse_catalogue(services)
    asked = select(catalogue, only)
    needed = frozenset(asked).union(*(catalogue.dependencies(name) for name in asked))
    return parse_controller_host_probes(host_probes) + tuple(
        probe for name in catalogue.order if name in needed for probe in catalogue.services[name].controller_probes
    )


def ask(wanted: Mapping[str, Sequence[Probe]], clock: Clock) -> dict[str, list[dict[str, Any]]]:
    """Host → its checks, JSON-ready, in order. All hosts are asked at once, by a hard deadline."""
    probes = [probe for each in wanted.values() for probe in each]
    if not probes:
        return {host: [] for host in wanted}
    rounds = math.ceil(len(probes) / _AT_ONCE)
    deadline = clock.monotonic() + rounds * default_deadline(probes)
    checks = iter(run_probes(probes, deadline=deadline, clock=clock, kinds=KINDS))
    return {host: [next(checks).to_dict() for _probe in each] for host, each in wanted.items()}
