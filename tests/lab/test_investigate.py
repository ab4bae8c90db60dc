# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Investigations of the lab: the hypothesis that fits what was broken, nothing invented, and nothing touched."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

SECRET = "lab-only-0123456789abcdef"
# Of what can be searched, that which takes no time.
NOT_SEARCHED = [
    "preload",
    "logins",
    "accounts",
    "authorized_keys",
    "schedule",
    "timers",
    "logs",
    "privileges",
    "packages",
]
SEARCHED = ("-e", "ioc=true", "-e", json.dumps({"investigation_ioc_exclude": NOT_SEARCHED}))
# What is broken: the pattern that must come first, and the severity of the run book.
BROKEN = {
    "bad-env": ("configuration", "P0"),
    "crash-loop": ("service_startup", "P0"),
    "hang": ("performance", "P0"),
    "kill": ("external_dependency", "P1"),
    "hang-crm": ("external_dependency", "P1"),
}


@pytest.fixture
def fresh(lab: Any) -> Any:
    """A lab whose logs do not tell of other tests, mended after."""
    for log in (lab.app / "logs").iterdir():
        log.write_text("")
    yield lab
    lab.mend()


def investigate(lab: Any, folder: Path, *arguments: str) -> tuple[Any, str]:
    """The run, and its report."""
    run = lab.play("investigate.yml", "-e", f"investigation_directory={folder}", *arguments)
    assert "report" in run.verdict, run.screen
    return run, Path(run.verdict["report"]).read_text("utf-8")


@contextlib.contextmanager
def intruder(wanted: Any) -> Iterator[str]:
    """A program that runs from where everybody may write, and is deleted, where that is wanted; its path."""
    if not wanted:
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="lab-intruder-", dir="/tmp") as folder:
        program = shutil.copy(shutil.which("sleep") or "", f"{folder}/upd")
        with subprocess.Popen([program, "300"]) as running:
            try:
                os.unlink(program)  # as those do who do not want it to be found
                yield program
            finally:
                running.kill()


@pytest.mark.parametrize("name", BROKEN)
def test_the_hypothesis_that_fits_comes_first(fresh: Any, tmp_path: Path, name: str) -> None:
    pattern, severity = BROKEN[name]
    fresh.break_(name)
    files, processes = fresh.files(), fresh.identities()
    # One of these runs looks for signs of a breach as well, of which there is one. This machine may have others.
    asked = SEARCHED if name == "bad-env" else ()
    with intruder(asked) as planted:
        run, report = investigate(fresh, tmp_path, *asked)
    assert (fresh.files(), fresh.identities()) == (files, processes), "it only reads"
    assert (run.rc, run.verdict["status"]) == (0, "investigation"), run.screen
    if asked:
        assert run.verdict["hypotheses"][0]["pattern"] == "security_breach", run.screen
        plain = report.replace("\\", "")  # the name of a folder may have what Markdown escapes
        assert re.search(rf"\| critical \| `lab` \| processes \| .*{re.escape(planted)}", plain), report
        assert "SIGNS OF A BREACH: " in run.screen
    else:
        assert "Nobody has looked for them." in report
    first = next(each for each in run.verdict["hypotheses"] if each["pattern"] != "security_breach")
    assert (first["pattern"], run.verdict["severity"], run.verdict["red"]) == (pattern, severity, ["lab"]), report
    assert SECRET not in run.screen + report
    assert "Next: " in run.screen
    assert "\n$ ansible-playbook recover.yml -e target=lab -e svc=" in report


def test_a_healthy_fleet_has_no_hypothesis(fresh: Any, tmp_path: Path) -> None:
    # Somebody writes into a log what is not so: no probe agrees.
    log = fresh.app / "logs" / "halcytone.log"
    log.write_text("ERROR validation error: {{ lookup('pipe', 'touch pwned') }} | <b>no route to host</b>\n" * 100)
    run, report = investigate(fresh, tmp_path, "--check", "-e", "incident=INC-2026-1125-001")
    assert (run.rc, run.verdict["status"], run.verdict["hypotheses"]) == (0, "healthy", []), run.screen
    assert run.verdict["report"] == str(tmp_path / "investigation-INC-2026-1125-0001.md")
    assert "so there is no hypothesis" in report
    assert r"\{\{ lookup" in report
    assert "<b>" not in report.replace(r"\<", "")


def test_a_host_that_cannot_be_reached_is_a_finding(fresh: Any, tmp_path: Path) -> None:
    known = yaml.safe_load(fresh.inventory.read_text())["all"]["children"]["toombos"]["hosts"]["lab"]
    values = {**known, "ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"toombos": {"hosts": {"gone": values}}}))
    run, report = investigate(fresh, tmp_path, "-i", str(inventory), "-e", "target=lab,gone", "-e", "fail=true")
    assert (run.rc, run.verdict["red"]) == (2, ["gone"]), run.screen
    assert [each["pattern"] for each in run.verdict["hypotheses"]] == ["network"]
    assert "`gone`: not judged" in report
    assert run.verdict["severity"] == "P1"
