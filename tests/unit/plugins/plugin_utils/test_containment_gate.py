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


def test_what_is_taken_away_is_shown_and_covered_by_the_approval() -> None:
    def with_access(**plan: Any) -> Gate:
        return gate({"db-1": PLANNED}, {}, GROUPS, [], force=True, access={"db-1": plan, "gone": {}})

    none = gate({"db-1": PLANNED}, {}, GROUPS, [], force=True, access={})
    one, two = with_access(plan_hash="cc", plan=["lock deploy"], notes=["m"]), with_access(plan_hash="dd")
    assert len({none.plan_hash, one.plan_hash, two.plan_hash}) == 3
    assert none.plan_hash == asked({"db-1": PLANNED}, keep=[]).plan_hash
    assert one.lines[-2:] == ("  then: lock deploy", "  note: m")
    assert (dict(one.access_hashes), dict(none.access_hashes)) == ({"db-1": "cc"}, {})
    for broken in (
        {"failed": True, "plan_hash": "cc", "msg": "deploy is the account"},
        {"unreachable": True, "msg": "x"},
    ):
        [words] = with_access(**broken).refusals
        assert words.startswith(f"Access to db-1 cannot be taken away: {broken['msg']}.")
