# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The graph names every payload file with its digests, where it comes from, and who had it; case_validate judges it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bag_fixture import INCIDENT, custody_log, make_bag

from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.bag_view import BagView
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.case_uco import CaseGraph, document

BAG = f"{INCIDENT}-web-1-001"
EVENTS = [{"event": "requested", "host": "web-1", "bag": BAG}, {"event": "captured", "host": "web-9", "bag": "other"}]


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    (tmp_path / "log\udcff").write_text("hello")
    contents = {"a/said": lambda: iter([b"said"]), "a/cut": lambda: iter([b"x" * 9000])}
    return make_bag(tmp_path / INCIDENT, contents, {"a/file": f"{tmp_path}/log*", "a/none": "/nonexistent"}, most=5000)


def nodes(bag: Path, custody: bytes = b"") -> list[dict[str, Any]]:
    text = b"".join(piece for _payload, piece in document(CaseGraph(BagView(str(bag)), custody.splitlines()[:-1], "1")))
    return list(json.loads(text)["@graph"])


def test_each_payload_file_has_its_digests_and_its_origin(bag: Path) -> None:
    graph = {node["@id"]: node for node in nodes(bag)}
    relations = [node for node in graph.values() if node["@type"] == "observable:ObservableRelationship"]
    pairs = {}
    for relation in relations:
        copy, origin = graph[relation["core:source"]["@id"]], graph[relation["core:target"]["@id"]]
        pairs[copy["core:hasFacet"][0]["observable:filePath"]] = (copy, origin)
    stored = {stored.path: stored for _name, stored in BagView(str(bag)).files()}
    assert set(pairs) == set(stored)
    for path, (copy, origin) in pairs.items():
        assert digests(copy) == {"SHA256": stored[path].sha256, "SHA512": stored[path].sha512}
        assert digests(origin) == {"SHA256": stored[path].original_sha256}
        assert origin["core:hasFacet"][-1]["observable:sizeInBytes"] == stored[path].size
    (file,) = [origin for _copy, origin in pairs.values() if origin["@type"] == "observable:File"]
    assert file["core:hasFacet"][0]["observable:fileName"] == "log\\xff"


def digests(node: dict[str, Any]) -> dict[str, str]:
    hashes = node["core:hasFacet"][-1]["observable:hash"]
    return {each["types:hashMethod"]: each["types:hashValue"]["@value"] for each in hashes}


def test_both_ends_of_what_was_too_large_are_copies_of_one(bag: Path) -> None:
    relations = [node for node in nodes(bag) if node["@type"] == "observable:ObservableRelationship"]
    ends = {node["core:description"].split(";")[0]: node["core:target"] for node in relations}
    assert ends["head"] == ends["tail"]


def test_each_artifact_is_an_action_that_tells_its_outcome(bag: Path) -> None:
    actions = {node["core:name"]: node for node in nodes(bag) if node["@type"] == "case:InvestigativeAction"}
    assert {name: node["action:actionStatus"] for name, node in actions.items()} == {
        "a/said": "Success",
        "a/cut": "Success",
        "a/file": "Success",
        "a/none": "Fail",
    }
    assert actions["a/none"]["core:description"].startswith("absent; ")
    assert "action:result" not in actions["a/none"]


def test_the_steps_of_custody_are_those_of_this_bag(bag: Path) -> None:
    found = nodes(bag, custody_log(EVENTS))
    (step,) = [node for node in found if node.get("core:name") == "custody: requested"]
    (person,) = [node for node in found if node["@type"] == "identity:Identity"]
    assert (person["core:name"], step["action:performer"]) == ("ann", {"@id": person["@id"]})
    assert step["core:description"] == "disk is full {}"
    assert not [node for node in found if node.get("core:name") == "custody: captured"]


def test_identifiers_follow_from_the_bag(bag: Path) -> None:
    first, again = nodes(bag), nodes(bag)
    assert first == again
    (bag / "tagmanifest-sha256.txt").write_text("another\n")
    assert not {node["@id"] for node in nodes(bag)} & {node["@id"] for node in first}
