# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the matter with a service: a pure function of what was observed.

Manager, process tree behind the listener and probes are judged together, because in some failure each of them lies.
"""

from __future__ import annotations

from typing import Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue, Service
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.module_utils._recovery.by_probes import by_probes, signalled
from ansible_collections.toombos.incident.plugins.module_utils._recovery.rules import RULES


def diagnose(catalogue: Catalogue, view: Mapping[str, t.Observation]) -> dict[str, t.Diagnosis]:
    """One diagnosis per observed service, in dependency order.

    A living service that fails while something it depends on is not healthy is ``blocked``: the cause is below it.
    """
    found: dict[str, t.Diagnosis] = {}
    for name in catalogue.order:
        if name not in view:
            continue
        own = _diagnose_one(catalogue.services[name], view[name])
        needs = catalogue.dependencies(name)
        sick = [other for other in catalogue.order if other in needs and _is_sick(other, found) and view[other].red]
        if sick and _may_be_blocked(own, view[name]):
            own = t.Diagnosis(name, t.BLOCKED, f"{own.message}; waits for {', '.join(sick)}")
        found[name] = own
    return found


def root_causes(catalogue: Catalogue, found: Mapping[str, t.Diagnosis]) -> tuple[t.Diagnosis, ...]:
    """The sick services below which nothing is sick, in dependency order; the first one is *the* root cause."""
    return tuple(
        found[name]
        for name in catalogue.order
        if _is_sick(name, found) and not any(_is_sick(other, found) for other in catalogue.dependencies(name))
    )


def _is_sick(name: str, found: Mapping[str, t.Diagnosis]) -> bool:
    return name in found and not found[name].healthy


def _may_be_blocked(own: t.Diagnosis, seen: t.Observation) -> bool:
    """Alive and answering badly: a stopped or missing process has a cause of its own."""
    if own.condition == t.FAILING:
        return True
    return own.condition == t.HUNG and not signalled(seen) and seen.manager.state != manager.FROZEN


def _diagnose_one(service: Service, seen: t.Observation) -> t.Diagnosis:
    for rule in RULES:
        diagnosis = rule(service, seen)
        if diagnosis is not None:
            return diagnosis
    return by_probes(service, seen)
