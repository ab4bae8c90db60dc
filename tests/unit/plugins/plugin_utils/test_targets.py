# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets: every word must mean a host."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._policy import Refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._targets import (
    blank_limit,
    partial_run,
    refuse_own_groups,
    refuse_too_many,
    resolve_targets,
)

GROUPS = {"all": ["w1", "w2", "db"], "web": ["w1", "w2"], "empty": [], "ungrouped": ["db"]}


def resolve(patterns: Sequence[str]) -> list[str]:
    found = []
    for term in patterns:
        found += GROUPS.get(term) or ([term] if term in GROUPS["all"] else [])
    return found


def targets(target: str, reach: list[str] | None = None, most: int = 10) -> list[str]:
    hosts = resolve_targets(target, target.split(","), resolve, GROUPS, GROUPS["all"] if reach is None else reach)
    refuse_too_many(hosts, most)
    return hosts


def test_a_target_is_a_pattern_within_the_limit() -> None:
    assert targets("web") == ["w1", "w2"]
    assert targets("web,db") == ["w1", "w2", "db"]
    assert targets("web", reach=["w2", "db"]) == ["w2"]


@pytest.mark.parametrize(
    ("target", "reach", "most", "words"),
    [
        ("wbe", None, 10, "no host or group 'wbe'. Did you mean 'web'"),
        ("web,tpyo", None, 10, "no host or group 'tpyo'. Known: db, empty, w1, w2, web."),
        ("empty", None, 10, "group 'empty' has no hosts"),
        ("web", ["db"], 10, "--limit leaves no host"),
        (",", None, 10, "',' names no host"),
        ("~", None, 10, "no host or group '~'"),
        ("web,!", None, 10, "no host or group ''"),
        ("~nope,web", None, 10, "no host or group '~nope'"),
        ("web,!wbe", None, 10, "no host or group 'wbe'"),
        ("web", None, 1, "means 2 hosts, more than 1. Name fewer, or say -e max_hosts=2"),
    ],
)
def test_refused(target: str, reach: list[str] | None, most: int, words: str) -> None:
    with pytest.raises(Refusal) as refused:
        targets(target, reach, most)
    assert words in str(refused.value)


def test_an_empty_inventory_is_refused() -> None:
    with pytest.raises(Refusal, match="inventory has no hosts"):
        resolve_targets("web", ["web"], resolve, {"all": []}, [])


def test_a_pattern_that_takes_everything_away_is_refused() -> None:
    with pytest.raises(Refusal, match="means no host"):
        resolve_targets("web,!web", ["web", "!web"], lambda p: [] if len(p) > 1 else ["w1"], GROUPS, ["w1"])


def test_a_long_list_of_known_names_is_cut() -> None:
    groups = {"all": [f"host{n}" for n in range(30)]}
    with pytest.raises(Refusal, match="…"):
        resolve_targets("xyz", ["xyz"], lambda _: [], groups, groups["all"])


@pytest.mark.parametrize(
    ("limit", "terms", "refused"),
    [
        (None, [], False),
        ("web", ["web"], False),
        ("web,", ["web", ""], False),
        ("!w1", ["!w1"], False),
        ("", [], True),
        (" , ", [], True),
        ("@empty", ["", ""], True),
        ("~", ["~"], True),
    ],
)
def test_a_limit_that_names_nothing_is_refused(limit: str | None, terms: list[str], refused: bool) -> None:
    assert bool(blank_limit(limit, terms)) is refused


@pytest.mark.parametrize(
    ("tags", "skip", "words"),
    [
        ((), (), None),
        (("all",), ("mail",), None),
        (("all", "main"), (), None),
        (("main",), (), "--tags"),
        (("all",), ("untagged",), "--skip-tags"),
        (("all",), ("mail", "always"), "--skip-tags"),
    ],
)
def test_tags_that_leave_the_recovery_out_are_refused(
    tags: Sequence[str], skip: Sequence[str], words: str | None
) -> None:
    objections = partial_run(tags, skip)
    assert [objection.split()[0] for objection in objections] == ([words] if words else [])


@pytest.mark.parametrize("group", ["incident_targets", "incident_recover", "incident_not_recovered"])
def test_hosts_that_nobody_meant_in_the_groups_of_a_run_are_refused(group: str) -> None:
    refuse_own_groups({**GROUPS, group: []}, ["w1"])
    with pytest.raises(Refusal, match=f"{group}, but it already holds db"):
        refuse_own_groups({**GROUPS, group: ["db"]}, ["w1"])


def test_the_targets_that_a_triage_has_left_are_no_harm() -> None:
    refuse_own_groups({**GROUPS, "incident_targets": ["w1"]}, ["w1", "w2"])
    with pytest.raises(Refusal, match="incident_recover"):
        refuse_own_groups({**GROUPS, "incident_recover": ["w1"]}, ["w1", "w2"])
