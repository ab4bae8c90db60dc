# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An isolation on record: what was done, what proves it, and that nobody has changed that since."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.action import containment_custody
from ansible_collections.toombos.incident.plugins.plugin_utils._custody import seal, verify as v
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.anchor import read_anchor
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import Book
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.isolation import write_isolation

DONE: dict[str, Any] = {"outcome": "confirmed", "changed": True, "plan_hash": "4f53cda18c2baa0c", "token": "secret"}
PROVED: dict[str, Any] = {"outcome": "proved", "counts": {"proved": 3}, "probes": [{"to": "192.0.2.7"}]}
NAME = "proof-web-1-001.json"


def by_both(book: Book, tmp_path: Path) -> tuple[list[str], int]:
    allowed = seal.allowed_line("alice", book.key)
    found = v.verify(book.directory, allowed, read_anchor(book.state, book.incident))
    (tmp_path / "allowed").write_text(allowed)
    script = Path(book.directory, "verify.sh")
    command = ["sh", str(script), book.directory, str(tmp_path / "allowed")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [f"{each.where} {each.what}" for each in found.problems], done.returncode


@pytest.mark.parametrize(
    ("result", "proof", "events"),
    [
        (DONE, PROVED, ["contained", "containment_proved"]),
        (DONE, {}, ["contained"]),
        ({**DONE, "outcome": "isolated"}, {}, ["contained"]),
        ({**DONE, "changed": False, "outcome": "unchanged"}, {"outcome": "not_proved"}, ["containment_not_proved"]),
        ({}, {"outcome": "disproved"}, ["containment_disproved"]),
        ({"outcome": "released", "changed": True, "tampering": {"count": 2}}, {}, ["containment_released"]),
        ({"outcome": "unchanged", "changed": False}, {}, []),
        ({"outcome": "planned", "changed": True}, {"outcome": "planned"}, []),
    ],
)
def test_what_has_happened_is_on_record(
    book: Book, tmp_path: Path, result: Mapping[str, Any], proof: Mapping[str, Any], events: list[str]
) -> None:
    before = book.records()
    done = write_isolation(book, "web-1", result, proof)
    added = book.records()[len(before) :]
    assert [record["event"] for record in added] == events == list(done.events)
    assert {record["host"] for record in added} <= {"web-1"}
    assert "secret" not in str(added)
    assert done.file == (NAME if proof.get("outcome") not in (None, "planned") else "")
    assert by_both(book, tmp_path) == ([], 0)


def test_the_record_says_what_was_approved_and_who_fought_it(book: Book) -> None:
    write_isolation(book, "web-1", {**DONE, "tampering": {"count": 2}, "restored": True}, {})
    detail = book.records()[-1]["detail"]
    assert detail == {
        "outcome": "confirmed", "plan_hash": DONE["plan_hash"], "tampering": {"count": 2}, "restored": True
    }  # fmt: skip


def test_the_whole_proof_lies_beside_the_log_and_each_has_a_file_of_its_own(book: Book, tmp_path: Path) -> None:
    Path(book.directory, NAME).write_text("left by a writer that was killed")
    names = [write_isolation(book, host, {}, PROVED).file for host in ("web-1", "web-1", "web-1-001", "a b")]
    assert names[:3] == [NAME, "proof-web-1-002.json", "proof-web-1-001-001.json"]
    assert len(set(names)) == 4
    kept = json.loads(Path(book.directory, NAME).read_text())
    assert (kept["incident"], kept["host"], kept["proof"]) == (book.incident, "web-1", PROVED)
    assert by_both(book, tmp_path) == ([], 0)


def test_the_script_beside_the_log_knows_of_proofs_also_where_an_older_one_was_put(book: Book, tmp_path: Path) -> None:
    Path(book.directory, "verify.sh").write_text("echo verified")
    write_isolation(book, "web-1", DONE, PROVED)
    assert by_both(book, tmp_path) == ([], 0)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda root: (root / NAME).write_text("{}"), f"{NAME} is not the one of the custody log"),
        (lambda root: (root / NAME).unlink(), f"{NAME} is missing"),
        (lambda root: (root / NAME).rename(root / "proof-web-1-009.json"), f"{NAME} is missing"),
        (lambda root: (root / "proof-web-1-009.json").write_text("{}"), "proof-web-1-009.json is not mentioned"),
    ],
)
def test_a_proof_that_was_changed_removed_or_added_is_found(
    book: Book, tmp_path: Path, change: Any, problem: str
) -> None:
    write_isolation(book, "web-1", DONE, PROVED)
    change(Path(book.directory))
    problems, rc = by_both(book, tmp_path)
    assert problem in " | ".join(problems)
    assert rc == 1


def run(check_mode: bool = False, **args: Any) -> dict[str, Any]:
    task = SimpleNamespace(args=args, check_mode=check_mode, async_val=0, action="x")
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="unused"))
    action = containment_custody.ActionModule(task, connection, SimpleNamespace(), None, None, None)
    done: dict[str, Any] = action.run(None, {"inventory_hostname": "web-1"})
    return done


def test_the_task_records_where_the_incident_is_open_and_nowhere_else(book: Book, tmp_path: Path) -> None:
    asked = {"home": book.directory, "result": DONE, "proof": PROVED}
    count = len(book.records())
    rehearsed = run(check_mode=True, **asked)
    assert (rehearsed["changed"], rehearsed["recorded"], len(book.records())) == (False, False, count)
    done = run(**asked)
    assert (done["changed"], done["events"]) == (True, ["contained", "containment_proved"])
    assert done["path"] == str(Path(book.directory, NAME))
    again = run(home=book.directory, result={"outcome": "unchanged", "changed": False})
    assert (again["changed"], again["recorded"], again["head"]) == (False, False, done["head"])
    for other in ({"home": str(tmp_path), "incident": "INC-2026-1125-0009"}, {"home": str(tmp_path), "incident": "x"}):
        nowhere = run(result=DONE, **other)
        assert (nowhere.get("failed", False), nowhere["recorded"]) == (False, False)
        assert "It is not on record" in nowhere["msg"]
