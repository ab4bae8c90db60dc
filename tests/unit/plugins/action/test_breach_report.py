# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A breach as a task: what was registered becomes a table, a report and a record that verifies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.action import breach_report, evidence_open, evidence_verify

FINDING = {
    "severity": "critical",
    "check": "accounts",
    "title": "toor is root",
    "detail": "uid 0",
    "supports": ["users"],
}
SCAN = {"findings": [FINDING], "checks": {"accounts": {"outcome": "found"}}, "baseline": {"state": "present"}}
BLIND = {**SCAN, "findings": [], "checks": {"accounts": {"outcome": "denied", "message": "shadow"}}}
HOSTS = {
    "web-1": {
        "scan": SCAN,
        "isolation": {"outcome": "confirmed", "msg": "confirmed for it"},
        "capture": {"bag": "INC-2026-1128-0001-web-1-002"},
    },
    "web-2": {
        "scan": BLIND,
        "isolation": {"failed": True, "msg": "no nft \x1b[2J"},
        "capture": {"failed": True, "bag": "x"},
    },
    "web-3": {},
}
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run an action."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    def do(module: Any, args: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
        task = SimpleNamespace(
            args=args, check_mode=check_mode, async_val=0, action=f"toombos.incident.{module.__name__}"
        )
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        action = module.ActionModule(task, connection, SimpleNamespace(), None, None, None)
        result: dict[str, Any] = action.run(None, {"inventory_hostname": "web-1", "hostvars": HOSTS})
        return json.loads(json.dumps(result))

    return do


def reported(run: Run, tmp_path: Path, check_mode: bool = False, **args: Any) -> dict[str, Any]:
    asked = {
        "targets": list(HOSTS),
        "indicators": "scan",
        "isolations": "isolation",
        "captures": "capture",
        "directory": str(tmp_path / "reports"),
        "reason": "unknown key",
        "who": "alice",
        "contact": "security on call",
    }
    return run(breach_report, {**asked, **args}, check_mode)


def test_findings_are_recorded_and_the_record_verifies(run: Run, tmp_path: Path) -> None:
    opened = run(evidence_open, {"targets": list(HOSTS)})
    done = reported(run, tmp_path, record=True, incident=opened["incident"])
    assert (done["changed"], done["recorded"], done["counts"]["critical"]) == (True, True, 1)
    assert (done["incomplete"], done["not_isolated"]) == (["web-2", "web-3"], ["web-2"])
    content = Path(done["findings"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == done["sha256"]
    kept = json.loads(content)
    assert kept["hosts"]["web-1"]["signs"]["findings"] == [FINDING]
    assert kept["hosts"]["web-1"]["capture"] == "INC-2026-1128-0001-web-1-002"
    assert kept["hosts"]["web-3"]["signs"]["asked"] is False
    last = json.loads(Path(opened["home"], "custody.jsonl").read_text().splitlines()[-2])
    assert (last["event"], last["why"], last["who"]) == ("findings", "unknown key", "alice")
    assert last["detail"] == {
        "file": str(Path(done["findings"]).relative_to(opened["home"])),
        "sha256": done["sha256"],
        "counts": done["counts"],
        "incomplete": ["web-2", "web-3"],
        "isolated": ["web-1"],
        "not_isolated": ["web-2", "web-3"],
    }
    verified = run(evidence_verify, {"incident": opened["incident"]})
    assert verified["problems"] == []
    again = reported(run, tmp_path, record=True, incident=opened["incident"])
    assert again["findings"] != done["findings"]
    assert Path(done["findings"]).read_bytes() == content
    assert run(evidence_verify, {"incident": opened["incident"]})["problems"] == []


def test_a_rehearsal_reports_and_records_nothing(run: Run, tmp_path: Path) -> None:
    opened = run(evidence_open, {"targets": []})
    before = Path(opened["home"], "custody.jsonl").read_bytes()
    done = reported(run, tmp_path, True, record=True, incident=opened["incident"])
    assert (done["changed"], done["recorded"]) == (True, False)
    assert Path(opened["home"], "custody.jsonl").read_bytes() == before
    assert not Path(opened["home"], "derived").exists()
    assert Path(done["report"]).exists()


def test_without_a_record_nothing_is_changed(run: Run, tmp_path: Path) -> None:
    done = reported(run, tmp_path)
    assert (done["changed"], done["recorded"]) == (False, False)
    assert not (tmp_path / "data").exists()


def test_where_no_incident_is_open_it_says_so_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    run(evidence_open, {"targets": []})
    done = reported(run, tmp_path, record=True, incident="INC-2026-1128-0099")
    assert done["failed"]
    assert "holds no custody log" in done["msg"]
    assert not list((tmp_path / "data").rglob("findings-*"))


def test_a_person_learns_what_to_do_next(run: Run, tmp_path: Path) -> None:
    done = reported(run, tmp_path, incident="INC-2026-1128-0001")
    shown = "\n".join(done["lines"])
    flat = " ".join(shown.split())
    assert "critical web-1 accounts toor is root: uid 0 users" in flat
    assert "web-3: not searched, nobody asked" in flat
    assert "web-2: not looked at to the end: accounts (denied)" in flat
    assert "web-2: NOT ISOLATED: no nft" in flat
    assert "Next: Contact the security team immediately: security on call." in flat
    assert "web-2 can still be reached by everybody" in flat
    release = "ansible-playbook release.yml -e target=web-1 -e incident=INC-2026-1128-0001 -e \"reason='why and who'\""
    assert f"  {release}" in done["lines"], "on a line of its own, to be copied"
    assert shown.replace("\n", "").isprintable()
    assert done["lines"][-1] == f"Report: {done['report']}"


def test_the_report_says_how_each_host_stands(run: Run, tmp_path: Path) -> None:
    done = reported(run, tmp_path, incident="INC-2026-1128-0001")
    text = Path(done["report"]).read_text()
    assert Path(done["report"]).name == "investigation-INC-2026-1128-0001.md"
    assert text.startswith("# Potential security breach, `INC-2026-1128-0001`\n")
    assert "| `web-1` | isolated | `INC-2026-1128-0001-web-1-002` | confirmed for it |" in text
    assert r"| `web-2` | NOT ISOLATED | - | no nft \[2J |" in text
    assert "| `web-3` | not isolated | - | - |" in text
    assert "| critical | `web-1` | accounts | toor is root: uid 0 | `users` | `INC-2026-1128-0001-web-1-002` |" in text


def test_a_report_that_cannot_be_written_keeps_nothing_from_the_record(run: Run, tmp_path: Path) -> None:
    opened = run(evidence_open, {"targets": []})
    (tmp_path / "file").write_text("")
    done = reported(run, tmp_path, record=True, incident=opened["incident"], directory=str(tmp_path / "file/below"))
    assert (done["report"], done["recorded"]) == ("", True)
    assert "was not written" in done["lines"][-1]
