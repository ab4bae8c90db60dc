# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("script", "expect", "reason", "message"),
    [
        ("exit 0", {}, "ok", "rc 0"),
        ("exit 3", {"rc": [0, 3]}, "ok", "rc 3"),
        ("echo out; echo first >&2; echo why >&2; exit 3", {}, "bad_rc", "rc 3: why"),
        ("echo out; exit 1", {}, "bad_rc", "rc 1: out"),
        ("exit 1", {}, "bad_rc", "rc 1"),
        ("echo 12", {"stdout": "^[0-9]+$"}, "ok", "rc 0"),
        ("echo many", {"stdout": "^[0-9]+$"}, "bad_output", "rc 0, but not the expected output"),
        ("echo 12 >&2", {"stdout": "^[0-9]+$"}, "bad_output", "rc 0, but not the expected output"),
    ],
)
def test_expectations(ask: Any, script: str, expect: dict[str, Any], reason: str, message: str) -> None:
    outcome = ask(kind="command", command=["sh", "-c", script], expect=expect)
    assert (outcome.reason, outcome.message) == (reason, message)
    assert outcome.status == ("pass" if reason == "ok" else "fail")


def test_working_directory(ask: Any, tmp_path: Path) -> None:
    outcome = ask(kind="command", command="pwd", cwd=str(tmp_path), expect={"stdout": str(tmp_path)})
    assert outcome.observed == {"rc": 0, "output": str(tmp_path)}


def test_not_found(ask: Any) -> None:
    outcome = ask(kind="command", command="/no/such/thing")
    assert (outcome.reason, outcome.message) == ("cannot_run", "/no/such/thing: No such file or directory")


def test_hangs(zoo: Any, ask: Any) -> None:
    path = zoo.script("hang.py", "time.sleep(600)")
    outcome = ask(kind="command", command=["sh", "-c", f"echo begun; python3 {path} & sleep 600"], seconds=0.3)
    assert (outcome.reason, outcome.message.endswith(": begun")) == ("timeout", True)
    zoo.until(lambda: not zoo.alive())
