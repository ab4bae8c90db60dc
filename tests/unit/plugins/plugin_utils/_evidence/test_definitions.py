# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definitions that come along can be used, and what is wrong with others is said, all of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.definitions import (
    BadArtifacts,
    built_in,
    parse_artifacts,
)

ENTRY = {"about": "x", "files": ["/etc/x"], "timeout": "1s", "max": "1MiB"}


def document(**entries: Any) -> dict[str, Any]:
    return {"tier": 2, "artifacts": {name.replace("__", "/"): entry for name, entry in entries.items()}}


def test_enough_comes_along_and_all_of_it_can_be_had_without_a_tool() -> None:
    artifacts = built_in()
    assert len(artifacts) >= 120
    assert [each.tier for each in artifacts] == sorted(each.tier for each in artifacts)
    assert {each.tier for each in artifacts} == {1, 2, 3, 4, 5}
    assert not [each.name for each in artifacts if each.sources[-1].kind == "command"]


@pytest.mark.parametrize(
    "path",
    ["/etc/shadow", "/proc/[0-9]*/environ", "~root/.ssh/id_*", "/etc/ssl/private/*", "~root/.*_history"],
)
def test_what_holds_secrets_is_of_that_class(path: str) -> None:
    holders = [each for each in built_in() if any(path in source.what for source in each.sources)]
    assert holders
    assert {each.sensitivity for each in holders} == {t.SECRET}


def test_an_entry_becomes_an_artifact() -> None:
    entry = {"about": "x", "command": ["ss", "-a"], "files": ["/proc/net/tcp"], "root": True}
    (made,) = parse_artifacts([{**document(a__b=entry), "defaults": {"timeout": "2m", "max": "3KiB"}}])
    assert made == t.Artifact(
        name="a/b",
        tier=2,
        sources=(t.Source("command", ("ss", "-a")), t.Source("files", ("/proc/net/tcp",))),
        timeout=120.0,
        max_bytes=3072,
        sensitivity=t.OPEN,
        root=True,
    )


def test_a_later_definition_replaces_the_first() -> None:
    (made,) = parse_artifacts([document(a__b=ENTRY), {**document(a__b={**ENTRY, "max": "2MiB"}), "tier": 4}])
    assert (made.max_bytes, made.tier) == (2 << 20, 4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"files": ["etc/x"]}, "absolute"),
        ({"files": ["/etc/../x"]}, "without .."),
        ({"files": []}, "list of texts"),
        ({"files": None, "command": ["ss"]}, "no external tool"),
        ({"files": None, "native": "nobody"}, "no reader 'nobody'"),
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": 0}, "needs time"),
        ({"max": "a lot"}, "512MiB"),
        ({"max": "0MiB"}, "16MiB"),
        ({"sensitivity": "top"}, "open, personal or secret"),
        ({"root": "yes"}, "true or false"),
        ({"about": ""}, "say what it is"),
        ({"fiels": ["/x"]}, "fiels: there is no such key"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], words: str) -> None:
    entry = {key: value for key, value in {**copy.deepcopy(ENTRY), **change}.items() if value is not None}
    with pytest.raises(BadArtifacts, match=words):
        parse_artifacts([document(a__b=entry)])


def test_everything_that_is_wrong_is_said_at_once() -> None:
    broken = [{"tier": 9, "artifacts": {}}, "nonsense", document(A={}, b__c={**ENTRY, "max": "much"}, d__e="x")]
    with pytest.raises(BadArtifacts) as refused:
        parse_artifacts(broken)
    said = "\n".join(refused.value.problems)
    for words in ("tier 9", "a document needs", "'A' is no name", "b/c.max", "d/e: it is not a mapping"):
        assert words in said
