# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may be isolated, and what is left of their groups."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._containment import info
from ansible_collections.toombos.incident.plugins.plugin_utils._containment_gate import Gate, gate

SSH = {"direction": "in", "network": "192.0.2.0/28", "protocol": "tcp", "port": 22, "why": "management"}
PLANNED = {"plan_hash": "aa", "plan": [SSH], "backend": "nftables", "outcome": "planned", "notes": ["n"]}
GROUPS = {"web": ["web-1", "web-2"], "db": ["db-1"], "empty": []}
WELL: dict[str, Any] = {"verdict": {"status": "pass"}}
FREE = {"state": info.NONE, "backend": ""}  # as the module says it
FINE: tuple[dict[str, Any], dict[str, Any]] = (WELL, FREE)


def asked(plans: Any, peers: Any = None, keep: Any = ("web",), *, force: bool = False) -> Gate:
    return gate(plans, peers or {}, GROUPS, list(keep), force=force)


@pytest.mark.parametrize(
    ("peer", "words"),
    [
        (FINE, ""),
        (({"verdict": {"status": "warn"}}, FREE), ""),
        (({"verdict": {"status": "fail"}}, FREE), "web-2 is not healthy (fail)"),
        (({"verdict": {"status": "unknown"}}, FREE), "web-2 is not healthy (unknown)"),
        ((WELL, {"state": "confirmed", "backend": "nftables"}), "web-2 is isolated"),
        ((WELL, {"state": "confirmed", "backend": ""}), "web-2 is isolated"),
        ((WELL, {"state": "left_behind", "backend": "nftables"}), "web-2 is isolated"),
        ((WELL, {"state": "released", "backend": "nftables"}), "web-2 is isolated"),
        ((WELL, {}), "web-2 did not say whether it is isolated"),
        ((WELL, {"failed": True, **FREE}), "web-2 did not say whether it is isolated"),
        ((WELL, {"unreachable": True, **FREE}), "web-2 did not say whether it is isolated"),
        (({"unreachable": True, **WELL}, FREE), "web-2 was not heard of"),
        (({"failed": True, **WELL}, FREE), "web-2 was not heard of"),
        (({"verdict": None}, FREE), "web-2 was not heard of"),
        (({}, {}), "web-2 was not heard of"),
    ],
)
def test_the_last_one_that_does_the_work_stays(peer: Any, words: str) -> None:
    found = asked({"web-1": PLANNED}, {"web-2": peer})
    assert (words in " ".join(found.refusals)) if words else not found.refusals
    forced = asked({"web-1": PLANNED}, {"web-2": peer}, force=True)
    assert not forced.refusals
    assert list(forced.overrides) == list(found.refusals)
    assert [line for line in forced.lines if line.startswith("in spite of: Without web-1")] == [
        f"in spite of: {words}" for words in found.refusals
    ]
    assert not found.overrides
    assert "in spite of" not in "".join(found.lines)


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
        ({"unreachable": True, "msg": "no route"}, "no route. Leave it out"),
        ({"unreachable": True, "plan_hash": "aa"}, "there was no answer"),
        ({}, "there was no answer"),
        ({**PLANNED, "plan": "everything"}, "its plan cannot be read"),
        ({**PLANNED, "plan": ["ssh"]}, "its plan cannot be read"),
        ({**PLANNED, "notes": "none"}, "its plan cannot be read"),
        ({**PLANNED, "overrides": {"a": 1}}, "its plan cannot be read"),
        *(
            ({**PLANNED, "plan": [SSH, {each: SSH[each] for each in SSH if each != key}]}, "its plan cannot be read")
            for key in SSH
        ),
        (
            {"failed": True, "msg": "a\x1b[2J\nweb-1: fine\u202e" + "x" * 400},
            "cannot be isolated: a [2J web-1: fine xx",
        ),
    ],
)
def test_who_cannot_be_isolated_is_named_and_no_force_helps(plan: Any, words: str) -> None:
    for force in (False, True):
        found = asked({"db-1": plan, "web-1": PLANNED}, {"web-2": FINE}, force=force)
        assert [each for each in found.refusals if each.startswith("db-1")] == list(found.refusals)
        assert [words in each and len(each) < 400 for each in found.refusals] == [True]
        assert dict(found.hashes) == {"web-1": "aa"}
        assert not [line for line in found.lines if "db-1" in line]


def test_the_hash_is_that_of_all_plans_and_the_lines_tell_them() -> None:
    one, two = {"db-1": PLANNED}, {"db-1": {**PLANNED, "plan_hash": "bb"}}
    assert asked(one).plan_hash == asked(one).plan_hash != asked(two).plan_hash
    assert asked({"web-1": PLANNED}).plan_hash != asked(one).plan_hash
    both = {**two, "db-2": PLANNED}
    assert asked(both).plan_hash == asked(dict(reversed(both.items()))).plan_hash != asked(two).plan_hash
    out = {**SSH, "direction": "out", "network": "198.51.100.7/32", "port": 6514, "why": "logs"}
    told = {"db-1": {**PLANNED, "plan": [SSH, out], "overrides": ["o"]}, "db-0": {**PLANNED, "outcome": "unchanged"}}
    assert asked(told).lines == (
        "db-0: is isolated like that already",
        "db-1: cut everything by nftables, but",
        "  stays possible: in from 192.0.2.0/28 tcp/22 (management)",
        "  stays possible: out to 198.51.100.7/32 tcp/6514 (logs)",
        "  note: n",
        "  in spite of: o",
    )


def test_what_a_host_says_is_one_line_that_does_nothing_to_the_terminal() -> None:
    hostile = "\x1b[1A\x1b[2K\r\ndb-2: is isolated like that already\u202e" + "x" * 1000
    said = dict.fromkeys(SSH, hostile)
    plan = {**PLANNED, "plan": [said], "notes": [hostile], "overrides": [hostile], "backend": hostile}
    found = asked({"db-1": plan}).lines
    assert len(found) == 4
    assert [line for line in found if not line.isprintable() or len(line) > 340] == []
    assert all(line.startswith(("db-1: cut", "  stays possible: ", "  note: ", "  in spite of: ")) for line in found)


def test_a_refusal_of_one_host_does_not_hide_that_of_a_group() -> None:
    found = asked({"web-1": PLANNED, "db-1": {"failed": True, "msg": "protected"}})
    assert [each.split(" ")[0] for each in found.refusals] == ["db-1", "Without"]
    forced = asked({"web-1": PLANNED, "db-1": {"failed": True, "msg": "protected"}}, force=True)
    assert [each.split(" ")[0] for each in forced.refusals] == ["db-1"]
    assert [each.split(" ")[0] for each in forced.overrides] == ["Without"]


def test_every_group_that_would_be_empty_is_told() -> None:
    found = asked({"web-1": PLANNED, "web-2": PLANNED, "db-1": PLANNED}, keep=("web", "db", "empty"))
    assert [each.split(" nobody")[0] for each in found.refusals] == ["Without web-1, web-2", "Without db-1"]


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


def test_limits_that_were_broken_before_are_shown() -> None:
    found = gate({"db-1": PLANNED}, {}, GROUPS, [], force=False, broken=["3 hosts are more than 50% of 4"])
    assert (found.refusals, found.lines[-1]) == ((), "in spite of: 3 hosts are more than 50% of 4")
    assert found.overrides == ("3 hosts are more than 50% of 4",)
