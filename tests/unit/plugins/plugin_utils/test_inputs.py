# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A responder's words: forgiving in form, exact in meaning, refused when they could mean something else."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._inputs import misspelt, read_inputs
from ansible_collections.toombos.incident.plugins.plugin_utils._policy import Policy, Refusal, read_policy

POLICY = Policy(max_hosts=7)


def read(**raw: Any) -> Any:
    return read_inputs({"target": "web", **raw}, POLICY, 40)


def test_nothing_said_means_the_defaults() -> None:
    inputs = read(svc="", plan=" ", approve=None, force="", reason="", max_hosts="")
    assert inputs.to_dict() == {
        "target": "web",
        "services": [],
        "plan_only": False,
        "approve": "",
        "force": False,
        "reason": "",
        "max_hosts": 7,
        "fail": False,
        "takeover": False,
        "break_glass": False,
        "expires": 0.0,
        "evidence": "",
        "incident": "",
        "words": {},
    }


@pytest.mark.parametrize("text", ["false", "False", "no", "0", "off", False])
def test_the_word_false_is_false(text: Any) -> None:
    assert read(force=text).force is False


@pytest.mark.parametrize("text", ["true", "Yes", "1", "on", True])
@pytest.mark.parametrize("word", ["force", "takeover", "break_glass"])
def test_what_overrides_needs_its_reason(word: str, text: Any) -> None:
    assert getattr(read(**{word: text, "reason": "disk was swapped"}), word) is True
    with pytest.raises(Refusal, match=f"{word} needs a reason, at least 10 characters"):
        read(**{word: text, "reason": "because"})


def test_a_limit_of_hosts_may_be_a_part_of_the_inventory() -> None:
    assert read(max_hosts="25%").max_hosts == 10
    assert read(max_hosts="1%").max_hosts == 1
    assert read_inputs({"target": "web"}, Policy(max_hosts="50%"), 9).max_hosts == 4


def test_how_long_a_freeze_lasts() -> None:
    assert read(expires="30m").expires == 1800.0
    with pytest.raises(Refusal, match="expires: 'soon' is not a duration"):
        read(expires="soon")


def test_whether_to_search_for_a_breach_is_a_truth_or_refused() -> None:
    assert read(ioc="Yes").words == {"ioc": "Yes"}
    with pytest.raises(Refusal, match=r"ioc: .*maybe"):
        read(ioc="maybe")


def test_an_incident_is_written_in_one_way() -> None:
    assert read(incident="inc-2026-1125-001").incident == "INC-2026-1125-0001"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"target": ""}, "target is empty"),
        ({"target": "  "}, "target is empty"),
        ({"force": "maybe"}, "neither true nor false"),
        ({"fail": "flase"}, "fail: 'flase' is neither true nor false"),
        ({"plan": "onyl"}, "plan=onyl is not known"),
        ({"max_hosts": "many"}, "not a number of hosts"),
        ({"max_hosts": "0"}, "not a number of hosts"),
        ({"max_hosts": "-1"}, "not a number of hosts"),
        ({"incident": "INC-1"}, "incident: 'INC-1' is no number of an incident"),
    ],
)
def test_what_cannot_be_meant_is_refused(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        read(**raw)


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(Refusal) as refused:
        read(target="", force="maybe", plan="x", max_hosts="y")
    assert len(refused.value.problems) == 4


@pytest.mark.parametrize(
    ("plan", "only"), [("only", True), ("ONLY", True), ("true", True), ("apply", False), ("no", False)]
)
def test_plan(plan: str, only: bool) -> None:
    assert read(plan=plan).plan_only is only


def test_lists_and_numbers_come_as_text_or_as_themselves() -> None:
    assert read(svc="a, b ,,c").services == ("a", "b", "c")
    assert read(svc=["a", "b"]).services == ("a", "b")
    assert read(max_hosts=3).max_hosts == read(max_hosts=" 3 ").max_hosts == 3
    assert read(target=["w1", "w2"]).target == "w1,w2"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("targt", "target"),
        ("dry_run", "--check"),
        ("host", "target"),
        ("max_host", "max_hosts"),
        ("reasson", "reason"),
        ("fial", "fail"),
        ("Target", "target"),
        ("plna", "plan"),
    ],
)
def test_a_misspelt_variable_is_noticed(name: str, meant: str) -> None:
    (said,) = misspelt([name, "target", "app_version", "incident_policy"])
    assert repr(name) in said
    assert meant in said


@pytest.mark.parametrize("name", ["file", "mail", "lan", "region", "version", "env"])
def test_another_word_is_not_a_misspelt_one(name: str) -> None:
    assert misspelt([name]) == []


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([], "must be a mapping"),
        ({"canery": 1}, "did you mean 'canary'"),
        ({"xyz": 1}, "knows no 'xyz'"),
        ({"canary": "one"}, "incident_policy.canary"),
        ({"canary": True}, "incident_policy.canary"),
        ({"batches": []}, "incident_policy.batches"),
        ({"batches": "10%"}, "incident_policy.batches"),
        ({"batches": ["0%"]}, "incident_policy.batches"),
        ({"batches": [0]}, "incident_policy.batches"),
        ({"stable_for": "soon"}, "incident_policy.stable_for"),
        ({"max_hosts": 0}, "incident_policy.max_hosts"),
    ],
)
def test_a_wrong_policy_is_refused_by_key(raw: Any, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        read_policy(raw)


def test_a_policy_is_typed() -> None:
    policy = read_policy(
        {"canary": "2", "batches": ["1", "10%", 5], "stable_for": "1m", "deadline": 30, "max_hosts": "9"}
        | {"max_unhealthy": "40%", "storm_hosts": "7"}
    )
    assert policy == Policy(2, (1, "10%", 5), 9, "40%", 7, 60.0, 30.0)
    assert read_policy({}) == Policy()
