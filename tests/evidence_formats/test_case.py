# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The graph of a capture is CASE/UCO for its own validator, without an error, a warning or a remark."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import pytest
from bag_fixture import INCIDENT, custody_log, make_bag

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.bodyfile import bodyfile
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.export import Incident, export

Tool = Callable[..., Any]
EVENTS = [
    {"event": "requested", "host": "web-1", "bag": f"{INCIDENT}-web-1-001", "detail": {"profile": "full"}},
    {"event": "captured", "host": "web-1", "bag": f"{INCIDENT}-web-1-001"},
    {"event": "captured", "host": "web-2", "bag": f"{INCIDENT}-web-2-001"},
    {"event": "verified"},
]


@pytest.fixture
def graph(tmp_path: Path, hostile: Path) -> Path:
    """Of a bag with a file, a command, hostile origins, something that is missing, and two ends of one stream."""
    incident = tmp_path / INCIDENT
    few = tmp_path / "few"
    few.mkdir()
    for number, path in enumerate(sorted(hostile.iterdir())[::40]):
        if path.is_file() and not path.is_symlink():
            (few / f"{number}{path.name[:200]}").write_bytes(b"x" * number)
    contents = {
        "files/hostile": lambda: bodyfile([str(hostile)]),
        "logs/cut": lambda: iter([b"line\n" * 50_000]),
        "files/none": lambda: iter([]),
    }
    make_bag(incident, contents, {"hostile/files": f"{few}/*", "not/there": "/nonexistent"}, most=100_000)
    (incident / "custody.jsonl").write_bytes(custody_log(EVENTS))
    (made,) = export(Incident(str(incident)), [], ["case"])
    assert made.read == made.written > 30
    return Path(made.path)


def test_case_validate_has_no_remark(graph: Path, tool: Tool) -> None:
    done = tool("BAG_TOOLS", "case_validate", graph)
    assert (done.returncode, done.stdout.split()) == (0, ["Validation", "Report", "Conforms:", "True"])


def test_case_validate_would_object(graph: Path, tool: Tool) -> None:
    """The test above means something."""
    text = graph.read_text()
    for before, after in (
        ('"case:exhibitNumber":"', '"case:exhibitNumber":5,"x:y":"'),
        ('"observable:sizeInBytes":', '"observable:sizeInByte":'),
    ):
        assert before in text
        graph.write_text(text.replace(before, after))
        assert tool("BAG_TOOLS", "case_validate", graph).returncode != 0, after


def test_the_graph_says_what_was_captured_and_who_had_it(graph: Path) -> None:
    nodes = json.loads(graph.read_text())["@graph"]
    kinds = Counter(node["@type"] for node in nodes)
    assert kinds["case:Investigation"] == kinds["case:ProvenanceRecord"] == kinds["tool:Tool"] == 1
    # One per artifact, and the steps of this bag and of the whole incident.
    assert kinds["case:InvestigativeAction"] == 5 + 3
    assert len({node["@id"] for node in nodes}) == len(nodes)
    steps = [node for node in nodes if node.get("core:name", "").startswith("custody: ")]
    assert [step["core:name"] for step in steps] == ["custody: requested", "custody: captured", "custody: verified"]
    assert [step.get("case:wasInformedBy") for step in steps[1:]] == [[{"@id": step["@id"]}] for step in steps[:2]]


def test_rdf_readers_see_the_same_nodes(graph: Path, tool: Tool) -> None:
    code = (
        "import rdflib, sys; g = rdflib.Graph(); g.parse(sys.argv[1], format='json-ld');"
        "print(len({s for s in g.subjects() if isinstance(s, rdflib.URIRef)}),"
        "sum(isinstance(s, rdflib.BNode) for s in g.subjects()))"
    )
    said = tool("BAG_TOOLS", "python", "-c", code, graph).stdout.split()
    assert int(said[0]) == len(set(_identifiers(json.loads(graph.read_text())["@graph"])))
    assert said[1] == "0"


def _identifiers(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["@id"]] if "@type" in value and "@id" in value else []
        return own + [each for inner in value.values() for each in _identifiers(inner)]
    return [each for inner in value for each in _identifiers(inner)] if isinstance(value, list) else []


def test_the_same_bag_gives_the_same_graph(graph: Path) -> None:
    again = subprocess.run(
        [sys.executable, "-c", _AGAIN, str(graph.parents[2])], capture_output=True, text=True, check=True
    )
    assert again.stdout.split() == ["False"]


_AGAIN = f"""
import sys
sys.path[:0] = {[path for path in sys.path if path]!r}
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.export import Incident, export
print(*(made.changed for made in export(Incident(sys.argv[1]), [], ["case"])))
"""
