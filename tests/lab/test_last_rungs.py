# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The remedies above a configuration on the lab: code, backups, logs, and a maintenance mode that ends by itself."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
from processes import until

WHY = ("-e", "reason='restarts did not help, a test'", "-e", "evidence=skip")


@pytest.fixture
def healthy(lab: Any) -> Any:
    """A lab that is healthy before and mended after."""
    yield lab
    lab.mend()


def words(screen: str) -> str:
    return " ".join(screen.split())


@pytest.fixture
def released(healthy: Any) -> Any:
    """Its application is a git repository with a good release and a bad one, which is in place."""
    app = healthy.app

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(app), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    (app / ".gitignore").write_text("*\n!src\n!src/**\n!.gitignore\n__pycache__\n")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "good")
    git("tag", "last-known-good-tag")
    main = app / "src" / "halcytone_content_generator" / "main.py"
    good = main.read_text()
    main.write_text(good.replace("settings = get_settings()", "raise RuntimeError('a release that cannot start')"))
    git("commit", "-q", "-am", "bad")
    yield healthy
    main.write_text(good)
    subprocess.run(["rm", "-rf", str(app / ".git"), str(app / ".gitignore")], check=True)


def test_a_release_that_cannot_start_is_rolled_back_when_nothing_else_helps(released: Any) -> None:
    lab = released
    code = {"incident_code": {"kind": "git", "path": str(lab.app), "good": "last-known-good-tag"}}
    settings = (lab.app / ".env").read_bytes()
    lab.break_("kill-main")
    only_restarts = {**code, "incident_policy": {"ladder": ["restart"]}}
    refused = lab.play("recover.yml", "-e", json.dumps(only_restarts), *WHY)
    assert (refused.rc, refused.verdict["status"]) == (2, "not_recovered"), refused.screen
    run = lab.play("recover.yml", "-e", json.dumps(code), *WHY)
    assert (run.rc, run.verdict["status"]) == (0, "recovered"), run.screen
    assert "code rolled back" in run.screen
    at = subprocess.run(["git", "-C", lab.app, "describe", "--tags"], check=True, capture_output=True, text=True).stdout
    assert at.strip() == "last-known-good-tag"
    assert (lab.app / ".env").read_bytes() == settings, "what git ignores is not touched"


def test_the_last_resort_needs_an_approval_and_can_be_undone(healthy: Any) -> None:
    lab = healthy
    good = (lab.app / ".env.production").read_bytes()
    (lab.app / "backups" / "emergency-restore" / ".env").write_bytes((lab.app / ".env").read_bytes())
    bad = good.replace(b"9100", b"9101") + b"# changed by hand\n"
    (lab.app / ".env.production").write_bytes(bad)
    monitoring = {(process.pid, process.start) for process in lab.of("standin.py")}

    refused = lab.play("emergency_recover.yml", *WHY)
    assert refused.rc == 2
    (approve,) = set(re.findall(r"-e approve=([0-9a-f]{16})", refused.screen))
    assert (lab.app / ".env.production").read_bytes() == bad
    wrong = lab.play("emergency_recover.yml", "-e", "approve=0123456789abcdef", *WHY)
    assert (wrong.rc, "the world has changed" in words(wrong.screen)) == (2, True)

    done = lab.play("emergency_recover.yml", "-e", f"approve={approve}", *WHY)
    assert done.rc == 0, done.screen
    assert (lab.app / ".env.production").read_bytes() == good, "a dot-file, too"
    assert [lab.answers(name) for name in lab.ports] == [200] * 7
    assert {(process.pid, process.start) for process in lab.of("standin.py")} == monitoring, "monitoring stays up"

    asked = lab.play("emergency_recover.yml", "-e", "undo=true", *WHY)
    (approve,) = set(re.findall(r"-e approve=([0-9a-f]{16})", asked.screen))
    undone = lab.play("emergency_recover.yml", "-e", "undo=true", "-e", f"approve={approve}", *WHY)
    assert undone.rc == 0, undone.screen
    assert (lab.app / ".env.production").read_bytes() == bad
    (lab.app / ".env.production").write_bytes(good)


def test_lost_logs_come_back_and_live_ones_are_not_touched(healthy: Any) -> None:
    lab = healthy
    backup = lab.app / "backups" / "logs-20261127"
    backup.mkdir()
    lines = "".join(f"2026-11-27 10:00:{second:02d} - app - INFO - line {second}\n" for second in range(50))
    logs = lab.app / "logs"
    for name in ("halcytone.log", "supervisord.log"):
        (backup / name).write_text(lines)
    deleted, live = (logs / "supervisord.log").read_bytes(), (logs / "halcytone.log").read_bytes()
    (logs / "supervisord.log").unlink()
    run = lab.play("recover_logs.yml", *WHY)
    assert run.rc == 0, run.screen
    assert (logs / "supervisord.log").read_text() == lines
    (recovered,) = logs.glob("supervisord.log.recovered-*")
    assert recovered.read_bytes().startswith(deleted), "its writer had it open: nothing is lost"
    assert (logs / "halcytone.log").read_bytes().startswith(live), "what is written to is left alone"
    assert (logs / "halcytone.log.restored-20261127").read_text() == lines
    again = lab.play("recover_logs.yml", *WHY)
    assert (again.rc, "changed=0" in again.screen) == (0, True), again.screen


def test_a_maintenance_mode_ends_by_itself(healthy: Any) -> None:
    lab = healthy
    flag = lab.home / "maintenance" / "flag.json"
    flag.parent.mkdir()
    switch = {"incident_maintenance": {"flag": {"path": str(flag), "mode": "0644"}}}
    given = ("-e", json.dumps(switch), *WHY)
    on = lab.play("maintenance.yml", "-e", "state=on", "-e", "expires=1h", *given)
    assert on.rc == 0, on.screen
    assert "a test" in flag.read_text()
    soon = lab.play("maintenance.yml", "-e", "state=on", "-e", "expires=5s", *given)
    assert soon.rc == 0, soon.screen
    until(lambda: not flag.exists(), "the flag is gone")
    off = lab.play("maintenance.yml", "-e", "state=off", *given)
    assert (off.rc, "changed=0" in off.screen) == (0, True), off.screen
