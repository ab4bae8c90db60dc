# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may be isolated, and what is left of their groups."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._containment_gate import Gate, gate

SSH = {"direction": "in", "network": "192.0.2.0/28", "protocol": "tcp", "port": 22, "why": "management"}
PLANNED = {"plan_hash": "aa", "plan": [SSH], "backend": "nftables", "changed": True, "notes": ["n"]}
GROUPS = {"web": ["web-1", "web-2"], "db": ["db-1"], "empty": []}
FINE: tuple[dict[str, Any], dict[str, Any]] = ({"verdict": {"status": "pass"}}, {"backend": ""})


def asked(plans: Any, peers: Any = None, keep: Any = ("web",), *, force: bool = False) -> Gate:
    return gate(plans, peers or {}, GROUPS, list(keep), force=force)


@pytest.mark.parametrize(
    ("peer", "words"),
    [
        (FINE, ""),
        (({"verdict": {"status": "warn"}}, {}), ""),
        (({"verdict": {"status": "fail"}}, {}), "web-2 is not healthy (fail)"),
        (({"verdict": {"status": "pass"}}, {"backend": "nftables"}), "web-2 is isolated"),
        (({"unreachable": True}, {}), "web-2 was not heard of"),
        (({}, {}), "web-2 was not heard of"),
    ],
)
def test_the_last_one_that_does_the_work_stays(peer: Any, words: str) -> None:
    found = asked({"web-1": PLANNED}, {"web-2": peer})
    assert (words in " ".join(found.refusals)) if words else not found.refusals
    forced = asked({"web-1": PLANNED}, {"web-2": peer}, force=True)
    assert not forced.refusals
    assert list(forced.overrides) == list(found.refusals)


@pytest.mark.parametrize(
    ("plans", "keep", "words"),
    [
        ({"web-1": PLANNED, "web-2": PLANNED}, ("web",), "it has no other host"),
        ({"db-1": PLANNED}, ("web",), ""),
        ({"db-1": PLANNED}, ("db",), "nobody is left who does the work of db"),
        ({"db-1": PLANNED}, ("empty",), ""),
        ({"db-1": PLANNED}, ("wbe",), "There is no group 'wbe'"),
    ],
)
def test_groups(plans: Any, keep: Any, words: str) -> None:
    found = asked(plans, keep=keep)
    assert (words in " ".join(found.refusals)) if words else not found.refusals


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (
            {"failed": True, "plan_hash": "aa", "msg": "Not isolated:  protected."},
            "Not isolated: protected. Leave it out",
        ),
        ({"unreachable": True, "msg": "no route"}, "no route"),
        ({}, "there was no answer"),
    ],
)
def test_who_cannot_be_isolated_is_named_and_no_force_helps(plan: Any, words: str) -> None:
    for force in (False, True):
        found = asked({"db-1": plan, "web-1": PLANNED}, {"web-2": FINE}, force=force)
        assert any(words in each and each.startswith("db-1") for each in found.refusals)
        assert dict(found.hashes) == {"web-1": "aa"}


def test_the_hash_is_that_of_all_plans_and_the_lines_tell_them() -> None:
    one, two = {"db-1": PLANNED}, {"db-1": {**PLANNED, "plan_hash": "bb"}}
    assert asked(one).plan_hash == asked(one).plan_hash != asked(two).plan_hash
    assert asked({"web-1": PLANNED}).plan_hash != asked(one).plan_hash
    text = "\n".join(asked({"db-1": {**PLANNED, "overrides": ["o"]}}).lines)
    assert "db-1: cut everything by nftables, but" in text
    assert "stays possible: in from 192.0.2.0/28 tcp/22 (management)" in text
    assert "note: n" in text
    assert "in spite of: o" in text
    assert asked({"db-1": {**PLANNED, "changed": False}}).lines == ("db-1: is isolated like that already",)


def test_a_way_to_others_is_cut_only_by_force() -> None:
    way = ["web-1 is the jump host of db-1"]
    peers = {"web-2": FINE}
    assert list(gate({"web-1": PLANNED}, peers, GROUPS, ["web"], force=False, gateways=way).refusals) == way
    forced = gate({"web-1": PLANNED}, peers, GROUPS, ["web"], force=True, gateways=way)
    assert (list(forced.refusals), list(forced.overrides)) == ([], way)
