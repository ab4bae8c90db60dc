# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind file: there, fresh, and of the right size."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import ProbeSpecError


@pytest.mark.parametrize(
    ("age", "more", "status", "reason"),
    [
        (10, {"max_age": {"warn": "1m", "fail": "5m"}}, "pass", "ok"),
        (90, {"max_age": {"warn": "1m", "fail": "5m"}}, "warn", "stale"),
        (400, {"max_age": {"warn": "1m", "fail": "5m"}}, "fail", "stale"),
        (400, {}, "pass", "ok"),
        (-3600, {}, "warn", "stale"),
        (10, {"min_size": 11}, "fail", "wrong_size"),
        (10, {"min_size": "10"}, "pass", "ok"),
        (10, {"max_size": 9}, "fail", "wrong_size"),
        (10, {"max_size": "1K"}, "pass", "ok"),
    ],
)
def test_age_and_size(ask: Any, tmp_path: Path, age: int, more: Any, status: str, reason: str) -> None:
    path = tmp_path / "backup.tar"
    path.write_text("x" * 10)
    os.utime(path, (time.time() - age,) * 2)
    outcome = ask(kind="file", path=str(path), **more)
    assert (outcome.status, outcome.reason) == (status, reason), outcome.message


def test_the_newest_match_counts(ask: Any, tmp_path: Path) -> None:
    for number, age in enumerate((500, 5, 900)):
        (tmp_path / f"dump-{number}.sql").write_text("x")
        os.utime(tmp_path / f"dump-{number}.sql", (time.time() - age,) * 2)
    outcome = ask(kind="file", path=f"{tmp_path}/dump-*.sql", max_age={"fail": "1m"})
    assert (outcome.status, outcome.observed["path"]) == ("pass", str(tmp_path / "dump-1.sql"))
    missing = ask(kind="file", path=f"{tmp_path}/other-*.sql")
    assert (missing.status, missing.reason) == ("fail", "missing")


def test_a_link_is_followed_and_its_end_is_named(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to("real")
    assert ask(kind="file", path=str(tmp_path / "link")).observed["path"] == str(tmp_path / "real")
    (tmp_path / "real").unlink()
    assert ask(kind="file", path=str(tmp_path / "link")).reason == "missing"


def test_a_directory_is_no_file(ask: Any, tmp_path: Path) -> None:
    assert ask(kind="file", path=str(tmp_path)).message == f"{tmp_path} is not a file"


def test_only_files_match_and_a_link_is_as_new_as_its_end(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "dump-1.sql").write_text("x")
    os.utime(tmp_path / "dump-1.sql", (time.time() - 500,) * 2)
    (tmp_path / "dump-2.sql").symlink_to("dump-1.sql")
    (tmp_path / "dump-3.sql").symlink_to("nowhere")
    (tmp_path / "dump-4.sql").mkdir()
    outcome = ask(kind="file", path=f"{tmp_path}/dump-*.sql", max_age={"warn": "1m"})
    assert (outcome.reason, outcome.observed["path"]) == ("stale", str(tmp_path / "dump-1.sql"))


def test_a_match_that_vanishes_while_it_is_looked_at(ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dump-1.sql").write_text("x")
    listed = os.listdir(tmp_path)
    monkeypatch.setattr(os, "listdir", lambda path: [*listed, "dump-0.sql"])
    assert ask(kind="file", path=f"{tmp_path}/dump-*.sql").status == "pass"


def test_a_file_on_a_dead_mount(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    released, look = threading.Event(), os.stat
    monkeypatch.setattr(os, "stat", lambda path, **more: released.wait(60) if path == "/dead/x" else look(path, **more))
    try:
        outcome = ask(kind="file", path="/dead/x", seconds=0.2)
    finally:
        released.set()
    assert (outcome.status, outcome.reason) == ("fail", "timeout")


def test_ages_in_the_wrong_order_are_refused(ask: Any) -> None:
    with pytest.raises(ProbeSpecError, match=r"p\.max_age\.warn: 300s is above fail \(60s\)"):
        ask(kind="file", path="/x", max_age={"warn": "5m", "fail": "1m"})
