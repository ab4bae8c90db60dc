# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order, cycles and selection: properties over arbitrary graphs, and the messages."""

from __future__ import annotations

from typing import Dict, List

import pytest
from hypothesis import given, strategies as st

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import (
    dependency_order,
    find_cycles,
    select,
)
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue, ManagerSpec, Service
from ansible_collections.toombos.incident.plugins.module_utils._errors import CatalogueError, IncidentError

Graph = Dict[str, List[str]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph: self-loops, cycles and names that are not there included."""
    names = draw(st.permutations([f"s{number}" for number in range(draw(st.integers(0, 9)))]))
    return {name: draw(st.lists(st.sampled_from([*names, "absent"]), unique=True, max_size=4)) for name in names}


@st.composite
def acyclic_graphs(draw: st.DrawFn) -> Graph:
    """Names depend only on names of lower rank, and are written in any order."""
    ranked = [f"s{number}" for number in range(draw(st.integers(0, 12)))]
    needs = {
        name: draw(st.lists(st.sampled_from(ranked[:rank]), unique=True)) if rank else []
        for rank, name in enumerate(ranked)
    }
    return {name: needs[name] for name in draw(st.permutations(ranked))}


def reaches_itself(graph: Graph, start: str) -> bool:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name == start:
            return True
        if name in graph and name not in seen:
            seen.add(name)
            waiting.extend(graph[name])
    return False


@given(acyclic_graphs())
def test_dependencies_come_first_and_nothing_is_lost(graph: Graph) -> None:
    order = dependency_order(graph)
    assert sorted(order) == sorted(graph)
    for name, needs in graph.items():
        assert all(order.index(need) < order.index(name) for need in needs)
    assert find_cycles(graph) == ()


@given(acyclic_graphs())
def test_the_order_is_as_written_wherever_dependencies_allow(graph: Graph) -> None:
    written, order = list(graph), dependency_order(graph)
    for position, name in enumerate(order):
        passed_over = [other for other in order[position + 1 :] if written.index(other) < written.index(name)]
        for other in passed_over:
            assert any(need not in order[:position] for need in graph[other])


@given(st.permutations(["a", "b", "c", "d"]))
def test_without_dependencies_the_order_is_as_written(names: list[str]) -> None:
    assert dependency_order({name: [] for name in names}) == tuple(names)


@given(graphs())
def test_cycles_are_found_exactly_when_there_are_any(graph: Graph) -> None:
    cycles = find_cycles(graph)
    assert bool(cycles) is any(reaches_itself(graph, name) for name in graph)
    found = [name for cycle in cycles for name in cycle]
    assert len(found) == len(set(found))
    for cycle in cycles:
        assert all(need in graph[name] for name, need in zip(cycle, [*cycle[1:], cycle[0]]))
        assert cycle[0] == min(cycle, key=list(graph).index)


@given(graphs())
def test_nothing_is_left_once_the_reported_cycles_are_gone(graph: Graph) -> None:
    broken = {name for cycle in find_cycles(graph) for name in cycle}
    rest = {name: needs for name, needs in graph.items() if name not in broken}
    assert sorted(dependency_order(rest)) == sorted(rest)


def test_an_order_of_a_cycle_does_not_exist() -> None:
    with pytest.raises(CatalogueError) as caught:
        dependency_order({"x": ["b"], "b": ["c"], "c": ["b"]})
    assert caught.value.problems == ["b.depends_on: a cycle: b → c → b"]


def test_a_long_chain_is_no_recursion() -> None:
    graph = {f"s{number}": [f"s{number + 1}"] for number in range(400)}
    assert dependency_order(graph)[0] == "s399"


def catalogue(**needs: tuple[str, ...]) -> Catalogue:
    services = {name: Service(name, ManagerSpec("systemd", unit=name), depends_on=on) for name, on in needs.items()}
    return Catalogue(services, dependency_order(needs))


SERVICES = catalogue(main=("db", "cache"), db=(), cache=(), graphs=())


def test_selected_services_come_in_dependency_order_each_once() -> None:
    assert select(SERVICES, ["graphs", "main", "db", "main"]) == ("db", "main", "graphs")


def test_no_name_selects_all() -> None:
    assert select(SERVICES, []) == ("db", "cache", "main", "graphs")


def test_an_unknown_service_is_refused_with_the_likely_one_and_the_known_ones() -> None:
    with pytest.raises(IncidentError) as caught:
        select(SERVICES, ["db", "mian"])
    assert caught.value.message == "unknown service 'mian'; did you mean 'main'? Known: db, cache, main, graphs."


def test_every_unknown_service_is_named() -> None:
    with pytest.raises(
        IncidentError, match=r"unknown service 'qq'\. unknown service 'grahps'; did you mean 'graphs'\?"
    ):
        select(SERVICES, ["qq", "grahps"])
