# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind file: there, fresh, and of the right size."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest


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
