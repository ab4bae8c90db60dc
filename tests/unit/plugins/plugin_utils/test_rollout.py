# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From assessments to batches, and from batch to batch only on proof."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from ansible_collections.toombos.incident.plugins.plugin_utils import _rollout as r

START = {"step": "start", "service": "web", "reason": "down: pid 7"}
WAIT = {"step": "wait_ready", "service": "api", "reason": "blocked"}
HEALTHY = {"verdict": {"status": "healthy"}, "plan": [], "msg": "all 1 services are healthy"}
SICK = {"verdict": {"status": "unhealthy"}, "plan": [START], "msg": "1 of 1"}
REFUSED = {"verdict": {"status": "unhealthy"}, "plan": [{"step": "refuse", "service": "web", "reason": "foreign"}]}


@pytest.mark.parametrize(
    ("result", "state", "message"),
    [
        (None, r.FAILED, "was not assessed"),
        ({"skipped": True}, r.FAILED, "was not assessed"),
        ({"unreachable": True, "msg": "no route\n to host"}, r.UNREACHABLE, "no route to host"),
        ({"unreachable": True}, r.UNREACHABLE, "cannot be reached"),
        ({"failed": True, "msg": "boom"}, r.FAILED, "boom"),
        ({"failed": True, **SICK}, r.FAILED, "1 of 1"),
        ({"msg": "no verdict"}, r.FAILED, "no verdict"),
        (HEALTHY, r.HEALTHY, "all 1 services are healthy"),
        (SICK, r.SICK, "1 of 1"),
        (REFUSED, r.REFUSED, "not healthy"),
        ({**REFUSED, "plan": [*REFUSED["plan"], WAIT]}, r.REFUSED, "not healthy"),
        ({**SICK, "plan": [WAIT]}, r.SICK, "1 of 1"),
    ],
)
def test_what_is_not_known_to_be_healthy_is_not(result: Any, state: str, message: str) -> None:
    finding = r.classify("w1", result)
    assert (finding.state, finding.message) == (state, message)


def fleet(*results: Any) -> list[r.Finding]:
    return [r.classify(f"w{number}", result) for number, result in enumerate(results, 1)]


def test_the_canary_is_one_that_needs_it() -> None:
    rollout = r.plan_rollout(fleet(HEALTHY, REFUSED, SICK, {"unreachable": True}, SICK), 1, [1, "100%"])
    assert (rollout.hosts, rollout.serial) == (("w3", "w5"), (1, 1))


def test_force_includes_healthy_hosts_that_have_a_plan() -> None:
    forced = {**HEALTHY, "plan": [START]}
    assert r.plan_rollout(fleet(forced, HEALTHY), 1, [1]).hosts == ()
    assert r.plan_rollout(fleet(forced, HEALTHY), 1, [1], forced=True).hosts == ("w1",)


def test_the_hash_is_about_what_is_done_where() -> None:
    first = r.plan_rollout(fleet(SICK, HEALTHY), 1, [1]).plan_hash
    reworded = {**SICK, "plan": [{**START, "reason": "down: pid 8"}]}
    assert r.plan_rollout(fleet(reworded, HEALTHY)[::-1], 1, [1]).plan_hash == first
    assert r.plan_rollout(fleet(HEALTHY, SICK), 1, [1]).plan_hash != first
    other = {**SICK, "plan": [{**START, "step": "stop"}]}
    assert r.plan_rollout(fleet(other, HEALTHY), 1, [1]).plan_hash != first


@pytest.mark.parametrize(
    ("total", "canary", "batches", "expected"),
    [
        (0, 1, (1,), ()),
        (1, 1, (1, "10%", "50%", "100%"), (1,)),
        (4, 1, (1, "10%", "50%", "100%"), (1, 1, 2)),
        (50, 1, (1, "10%", "50%", "100%"), (1, 5, 25, 19)),
        (50, 0, ("100%",), (50,)),
        (10, 1, ("50%",), (1, 5, 4)),
        (10, 2, (1, 3), (1, 3, 3, 3)),
    ],
)
def test_sizes(total: int, canary: int, batches: Any, expected: tuple[int, ...]) -> None:
    assert r.sizes(total, canary, batches) == expected


@given(
    st.integers(0, 300),
    st.integers(0, 5),
    st.lists(st.one_of(st.integers(1, 50), st.integers(1, 100).map(lambda n: f"{n}%")), min_size=1, max_size=5),
)
def test_batches_hold_every_host_once(total: int, canary: int, batches: list[Any]) -> None:
    found = r.sizes(total, canary, batches)
    assert sum(found) == total
    assert all(size >= 1 for size in found)
    if canary and found:
        assert found[0] <= max(canary, 1)


PROVEN = {"recovered": True, "changed": True}


@pytest.mark.parametrize(
    ("batch", "before"), [(["a"], ()), (["b", "c"], ("a",)), (["c", "b"], ("a",)), (["d"], ("a", "b", "c")), ([], ())]
)
def test_before_a_batch_come_the_hosts_that_are_planned_earlier(batch: list[str], before: tuple[str, ...]) -> None:
    assert r.before_batch(["a", "b", "c", "d"], batch) == before


def test_a_batch_with_a_host_that_is_not_planned_is_an_error() -> None:
    with pytest.raises(ValueError, match="x is not part of the plan"):
        r.before_batch(["a", "b"], ["b", "x"])


@pytest.mark.parametrize(
    ("treated", "opened", "words"),
    [
        ({}, True, "canary goes first"),
        ({"w1": PROVEN, "w2": PROVEN}, True, "2 hosts are proven healthy"),
        ({"w1": PROVEN, "w2": None}, False, "w2 has no result"),
        ({"w1": {"recovered": False, "failed": True, "msg": "web is hung"}}, False, "w1 did not recover: web is hung"),
        ({"w1": {"recovered": False}}, False, "no reason given"),
        ({"w1": {"rescued": True, "changed": True}}, False, "did not recover"),
        ({"w1": {"recovered": "True"}}, False, "did not recover"),
        ({"w1": {"recovered": True, "failed": True}}, False, "did not recover"),
        ({"w1": {"unreachable": True, "recovered": True}}, False, "became unreachable"),
        ({"w1": {"skipped": True}}, False, "did not recover"),
    ],
)
def test_the_gate_opens_only_on_proof(treated: Any, opened: bool, words: str) -> None:
    found, reason = r.gate(treated)
    assert found is opened
    assert words in reason
