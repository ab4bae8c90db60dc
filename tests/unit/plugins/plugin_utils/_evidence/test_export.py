# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As many records come out as went in, in order, always the same, and no bag is ever changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from bag_fixture import INCIDENT, custody_log, hostile_names, make_bag, plant, read_json_lines

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.bodyfile import bodyfile
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.lines import as_lines
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.timeline import file_events
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.export import (
    FORMATS,
    Incident,
    export,
    version,
)

ALL = list(FORMATS)


@pytest.fixture
def incident(tmp_path: Path) -> Incident:
    """Two bags of different hosts and a sealed one, with 200 hostile names."""
    (tmp_path / "tree").mkdir()
    plant(tmp_path / "tree", hostile_names(200))
    trees = [str(tmp_path / "tree")]
    contents = {
        "timeline/tree": lambda: as_lines(file_events(trees)),
        "files/tree": lambda: bodyfile(trees),
        "timeline/none": lambda: iter([]),
    }
    for host in ("web-1", "web-2"):
        make_bag(tmp_path / INCIDENT, contents, host=host)
    (tmp_path / INCIDENT / f"{INCIDENT}-web-3-001.tar.age").write_text("sealed")
    (tmp_path / INCIDENT / "custody.jsonl").write_bytes(custody_log([{"event": "opened"}]))
    return Incident(str(tmp_path / INCIDENT))


def state(directory: str) -> dict[str, str]:
    """Digest of each file that is not derived."""
    paths = [path for path in Path(directory).rglob("*") if path.is_file() and "derived" not in path.parts]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_every_record_is_exported_and_no_bag_changed(incident: Incident) -> None:
    before = state(incident.directory)
    made = export(incident, [], ALL)
    assert state(incident.directory) == before
    assert [(each.bag[-9:-4], each.format) for each in made] == [
        ("web-1", "timeline"),
        ("web-1", "bodyfile"),
        ("web-1", "case"),
        ("web-2", "timeline"),
        ("web-2", "bodyfile"),
        ("web-2", "case"),
        ("", "timeline"),
    ]
    assert {each.format: each.written for each in made[:3]}["bodyfile"] == 201
    for each in made:
        content = Path(each.path).read_bytes()
        assert (each.read, each.changed) == (each.written, True)
        assert (each.size, each.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        if each.format != "case":
            assert content.count(b"\n") == each.written
    assert made[-1].written == made[0].written + made[3].written > 2 * 3 * 201
    derived = Path(incident.directory) / "derived"
    assert {path.stat().st_mode & 0o077 for path in (derived, *derived.rglob("*"))} == {0}
    assert incident.sealed == [f"{INCIDENT}-web-3-001"]


def test_the_timeline_of_all_is_in_order_and_names_hosts_and_bags(incident: Incident) -> None:
    *_others, made = export(incident, [], ["timeline"])
    events = read_json_lines(Path(made.path))
    stamps = [event["timestamp"] for event in events]
    assert stamps == sorted(stamps)
    assert {(event["host"], event["bag"]) for event in events} == {
        ("web-1", f"{INCIDENT}-web-1-001"),
        ("web-2", f"{INCIDENT}-web-2-001"),
    }
    assert {event["hostname"] for event in events} == {os.uname().nodename}


def test_the_same_again_changes_nothing(incident: Incident) -> None:
    first = export(incident, [], ALL)
    again = export(incident, [], ALL)
    assert [each.sha256 for each in again] == [each.sha256 for each in first]
    assert not [each for each in again if each.changed]
    Path(first[1].path).write_text("somebody has edited it")
    assert [each.format for each in export(incident, [], ALL) if each.changed] == ["bodyfile"]


def test_a_rehearsal_tells_the_same_and_writes_nothing(incident: Incident) -> None:
    rehearsed = export(incident, [], ALL, write=False)
    assert not (Path(incident.directory) / "derived").exists()
    assert rehearsed == export(incident, [], ALL)


def test_one_bag_is_exported_alone(incident: Incident) -> None:
    (made,) = export(incident, [f"{INCIDENT}-web-2-001"], ["timeline"])
    assert made.path.endswith(f"/derived/{INCIDENT}-web-2-001/timeline.jsonl")


@pytest.mark.parametrize(
    ("name", "words"),
    [(f"{INCIDENT}-web-3-001", "is sealed"), (f"{INCIDENT}-web-4-001", "There is no bag"), ("../etc", "no bag")],
)
def test_a_bag_that_cannot_be_had_is_refused(incident: Incident, name: str, words: str) -> None:
    with pytest.raises(IncidentError, match=words):
        export(incident, [name], ALL)


def test_what_is_no_incident_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IncidentError, match="There is no directory"):
        Incident(str(tmp_path / "none"))


def test_a_record_that_is_lost_keeps_the_old_file(incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    (old,) = export(incident, [f"{INCIDENT}-web-1-001"], ["bodyfile"])
    name, make = FORMATS["bodyfile"]
    monkeypatch.setitem(FORMATS, "bodyfile", (name, lambda *args: (each for n, each in enumerate(make(*args)) if n)))
    with pytest.raises(IncidentError, match="201 records were read and 200 written"):
        export(incident, [f"{INCIDENT}-web-1-001"], ["bodyfile"])
    assert hashlib.sha256(Path(old.path).read_bytes()).hexdigest() == old.sha256
    assert [path.name for path in Path(old.path).parent.iterdir()] == ["bodyfile.txt"]


def test_what_is_no_event_is_refused(tmp_path: Path) -> None:
    make_bag(tmp_path, {"timeline/x": lambda: iter([b"no event\n"])})
    with pytest.raises(IncidentError, match="timeline/x holds what is no event"):
        export(Incident(str(tmp_path)), [], ["timeline"])


def test_a_broken_custody_log_makes_no_graph(incident: Incident) -> None:
    path = Path(incident.directory) / "custody.jsonl"
    path.write_bytes(path.read_bytes().replace(b"opened", b"closed"))
    with pytest.raises(IncidentError, match="custody log is not what was written"):
        export(incident, [], ["case"])
    path.unlink()
    assert export(incident, [], ["case"])


def test_the_version_is_that_of_the_collection() -> None:
    assert version().count(".") == 2
