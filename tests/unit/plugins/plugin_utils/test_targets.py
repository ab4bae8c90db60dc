# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets: every word must mean a host."""

from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._inputs import Refusal
from ansible_collections.toombos.incident.plugins.plugin_utils._targets import (
    blank_limit,
    refuse_too_many,
    resolve_targets,
)

GROUPS = {"all": ["w1", "w2", "db"], "web": ["w1", "w2"], "empty": [], "ungrouped": ["db"]}


def resolve(pattern: str) -> list[str]:
    found = []
    for term in pattern.split(","):
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
        resolve_targets("web,!web", ["web", "!web"], lambda p: [] if "," in p else ["w1"], GROUPS, ["w1"])


def test_a_long_list_of_known_names_is_cut() -> None:
    groups = {"all": [f"host{n}" for n in range(30)]}
    with pytest.raises(Refusal, match="…"):
        resolve_targets("xyz", ["xyz"], lambda _: [], groups, groups["all"])


@pytest.mark.parametrize(("limit", "refused"), [(None, False), ("web", False), ("", True), ("  ", True)])
def test_a_blank_limit_is_refused(limit: str | None, refused: bool) -> None:
    assert bool(blank_limit(limit)) is refused
