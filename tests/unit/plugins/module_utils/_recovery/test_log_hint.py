# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hints from logs are bounded, redacted and never lead elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.toombos.incident.plugins.module_utils._recovery.log_hint import last_error


def test_the_newest_error_of_the_first_log_that_has_one(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("all is well\n")
    (tmp_path / "b.log").write_text("ERROR one\nINFO fine\nValueError: two\nINFO bye\n")
    assert last_error([str(tmp_path / name) for name in ("none.log", "a.log", "b.log")]) == "ValueError: two"


def test_only_the_tail_is_read(tmp_path: Path) -> None:
    log = tmp_path / "big.log"
    log.write_text("ERROR ancient\n" + "INFO padding\n" * 5000)
    assert last_error([str(log)]) == ""


def test_secrets_do_not_leave_the_log(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("ERROR login failed: {'API_KEY_ENCRYPTION_KEY': 'hunter2-hunter2'} password=geheim123\n")
    said = last_error([str(log)])
    assert said.startswith("ERROR login failed")
    assert "hunter2" not in said
    assert "geheim123" not in said


def test_links_pipes_and_binary_noise(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("ERROR secret place\n")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "noise").write_bytes(b"\xff\xfe ERROR \x00 noise\n")
    assert last_error([str(tmp_path / "link"), str(tmp_path / "pipe")]) == ""
    assert "noise" in last_error([str(tmp_path / "noise")])
