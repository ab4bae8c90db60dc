# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves on the controller when reports are asked for, and that it never suffers from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ALL = ["json", "junit", "tap", "nagios", "openmetrics"]


def test_a_run_writes_a_file_per_host_and_format(fleet: Any, tmp_path: Path) -> None:
    web = fleet(2)
    reports = tmp_path / "new" / "reports"
    web.hosts["w1"]["incident_reports"] = {"directory": str(reports), "formats": ALL}
    web.break_for_good("w2")
    web.hosts["w2"]["incident_reports"] = {"directory": "{{ inventory_dir }}/new/reports", "formats": ["nagios"]}
    web.write()

    rehearsed = web.play("recover.yml", "--check")
    assert rehearsed.rc == 0
    written = {path.name: path.read_text() for path in reports.iterdir()}
    assert set(written) == {"w1.json", "w1.xml", "w1.tap", "w1.nagios", "w1.prom", "w2.nagios"}
    assert written["w1.nagios"].startswith("CRITICAL - w1: ")
    assert json.loads(written["w1.json"])["verdict"]["status"] == "fail"

    run = web.play("recover.yml")
    assert (run.rc, web.up()) == (2, ["w1"])
    written = {path.name: path.read_text() for path in reports.iterdir()}
    assert written["w1.nagios"].startswith("OK - w1: 2 of 2 checks pass | "), "the last word is that of the recovery"
    assert written["w2.nagios"].startswith("CRITICAL - w2: ")
    assert 'incident_verdict{host="w1",status="pass"} 1\n' in written["w1.prom"]
    assert {path.stat().st_mode & 0o777 for path in reports.iterdir()} == {0o644}

    again = web.play("triage.yml")
    assert (again.rc, json.loads((reports / "w1.json").read_text())["verdict"]["status"]) == (0, "pass")


def test_a_report_that_cannot_be_written_is_a_warning(fleet: Any, tmp_path: Path) -> None:
    web = fleet(3)
    (tmp_path / "file").write_text("")
    web.hosts["w1"]["incident_reports"] = {"directory": f"{tmp_path}/file/below"}
    web.hosts["w2"]["incident_reports"] = {"directory": f"{tmp_path}/fine", "formats": ["xml"]}
    web.hosts["w3"]["incident_reports"] = "{{ nowhere_defined }}"
    web.write()
    run = web.play("recover.yml")
    assert (run.rc, run.verdict["status"], web.up()) == (0, "recovered", ["w1", "w2", "w3"])
    said = " ".join((run.out + run.err).split())
    assert "No reports for w1: [Errno 20] Not a directory" in said
    assert "No reports for w2: incident_reports knows no format xml, it has json, junit" in said
    assert "No reports for w3: " in said
    assert not (tmp_path / "fine").exists()
