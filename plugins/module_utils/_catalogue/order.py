# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order of services: dependencies first, otherwise as written; and the selection of some of them."""

from __future__ import annotations

from typing import Iterable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import nearest
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue
from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError, IncidentError

Graph = Mapping[str, Sequence[str]]  # name → names it depends on; names that are no keys are ignored


def dependency_order(graph: Graph) -> tuple[str, ...]:
    """All names of ``graph``, each after everything it depends on, otherwise as written.

    Raises CatalogueError with one problem per cycle.
    """
    cycles = find_cycles(graph)
    if cycles:
        raise CatalogueError([describe_cycle(cycle) for cycle in cycles])
    return _peel(graph)[0]


def find_cycles(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """Cycles that share no name, each beginning with its first name as written; empty exactly when there is none."""
    cycles = []
    left = _peel(graph)[1]
    while left:
        cycle = _walk_into_cycle(left)
        first = min(range(len(cycle)), key=lambda index: list(graph).index(cycle[index]))
        cycles.append(cycle[first:] + cycle[:first])
        left = _peel({name: needs for name, needs in left.items() if name not in cycle})[1]
    return tuple(cycles)


def describe_cycle(cycle: Sequence[str]) -> str:
    """``a.depends_on: a cycle: a → b → a``."""
    return f"{cycle[0]}.depends_on: a cycle: {' → '.join([*cycle, cycle[0]])}"


def select(catalogue: Catalogue, names: Iterable[str]) -> tuple[str, ...]:
    """The services ``names`` in dependency order, each once; all of them when ``names`` is empty.

    Raises IncidentError that names every unknown service.
    """
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in catalogue.services]
    if unknown:
        raise IncidentError(
            " ".join(_describe_unknown(name, catalogue.order) for name in unknown)
            + f" Known: {', '.join(catalogue.order)}.",
            "Name services as they are written in incident_services.",
        )
    return tuple(name for name in catalogue.order if not wanted or name in wanted)


def _describe_unknown(name: str, known: Sequence[str]) -> str:
    near = nearest(name, known)
    return f"unknown service {name!r}; did you mean {near!r}?" if near else f"unknown service {name!r}."


def _peel(graph: Graph) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Take away the first written name whose dependencies are all gone, again and again.

    Returns the names in that order, and what cannot be taken: names that are on a cycle or need one, each with
    the dependencies that remain (at least one).
    """
    left = {name: tuple(need for need in needs if need in graph) for name, needs in graph.items()}
    order: list[str] = []
    while True:
        free = next((name for name, needs in left.items() if not any(need in left for need in needs)), None)
        if free is None:
            break
        order.append(free)
        del left[free]
    return tuple(order), {name: tuple(need for need in needs if need in left) for name, needs in left.items()}


def _walk_into_cycle(left: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Follow dependencies until a name comes again: every name of ``left`` has one, so the walk cannot end."""
    path: list[str] = []
    current = next(iter(left))
    while current not in path:
        path.append(current)
        current = left[current][0]
    return tuple(path[path.index(current) :])
