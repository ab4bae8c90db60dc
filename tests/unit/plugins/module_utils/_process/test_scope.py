# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a process lives, and what is said when it cannot be moved; tests/systemd moves real ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._process.scope import Scope, unit_of


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"),
        ("0::/system.slice/cron.service\n", "cron.service"),
        ("0::/user.slice/user-1.slice/user@1.service/app.slice/a.scope/inner\n", "a.scope"),
        ("4:pids:/x.service\n1:name=systemd:/system.slice/ssh.service\n0::/\n", "ssh.service"),
        ("0::/user.slice\n", ""),
        ("0::/\n", ""),
        ("", ""),
        ("nonsense\n\x00\n", ""),
    ],
)
def test_the_unit_of_a_process(tmp_path: Path, cgroup: str, unit: str) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(cgroup)
    assert unit_of(7, str(tmp_path)) == unit
    assert unit_of(8, str(tmp_path)) == ""


def test_where_no_systemd_runs_there_is_nothing_to_say(tmp_path: Path) -> None:
    scope = Scope("web", Clock(), str(tmp_path / "not-there"))
    scope.take(os.getpid())
    assert scope.words == ""


@pytest.mark.parametrize(
    ("busctl", "words"),
    [
        ("#!/bin/sh\necho 'Failed to connect to bus: No such file or directory' >&2; exit 1\n", "Failed to connect"),
        ("#!/bin/sh\nexit 3\n", "no answer"),
        ("#!/bin/sh\nexit 0\n", "has not made a scope in time"),
        (None, "busctl"),
    ],
)
def test_a_systemd_that_does_not_do_it_keeps_nobody_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busctl: str | None, words: str
) -> None:
    if busctl:
        (tmp_path / "busctl").write_text(busctl)
        (tmp_path / "busctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + ("" if busctl is None else ":/bin"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    scope = Scope("web", Clock(), str(tmp_path))
    scope.take(os.getpid())
    assert words in scope.words
    assert "with which it may end" in scope.words


def test_who_is_not_root_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    scope = Scope("web", Clock(), str(tmp_path))
    scope.take(os.getpid())
    assert "(only root may ask systemd for a scope of its own)" in scope.words
