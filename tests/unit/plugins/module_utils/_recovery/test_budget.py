# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restart budget on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Limits
from ansible_collections.toombos.incident.plugins.module_utils._recovery.budget import Budget


def test_starts_of_the_last_hour_count(build: Any, tmp_path: Path, wall: Any) -> None:
    service = build.service("web", limits=Limits(restarts_per_hour=2))
    Budget(str(tmp_path), wall).spend(service)
    assert Budget(str(tmp_path), wall).exhausted([service]) == {}
    wall.now += 600
    Budget(str(tmp_path), wall).spend(service)
    said = Budget(str(tmp_path), wall).exhausted([service])["web"]
    assert "2 times within the hour (limit 2): its circuit breaker is open" in said
    assert "14:46:40Z" in said
    wall.now += 3001
    assert Budget(str(tmp_path), wall).exhausted([service]) == {}


def test_no_limit_never_refuses(build: Any, tmp_path: Path, wall: Any) -> None:
    service = build.service("web")
    for _number in range(9):
        Budget(str(tmp_path), wall).spend(service)
    assert Budget(str(tmp_path), wall).exhausted([service]) == {}


@pytest.mark.parametrize(
    "content", ["", "[1]", '{"web": "x"}', '{"web": {"starts": [null, "y"], "tried": 0}}', '{"web": {}}', "\x00\xff"]
)
def test_a_damaged_history_counts_as_empty(build: Any, tmp_path: Path, wall: Any, content: str) -> None:
    (tmp_path / "starts.json").write_text(content)
    service = build.service("web", limits=Limits(restarts_per_hour=1))
    assert Budget(str(tmp_path), wall).exhausted([service]) == {}
    Budget(str(tmp_path), wall).spend(service)
    assert json.loads((tmp_path / "starts.json").read_text()) == {"web": {"starts": [wall.now], "tried": 0.0}}


def test_a_clock_that_was_set_back_does_not_freeze_a_service(build: Any, tmp_path: Path, wall: Any) -> None:
    service = build.service("web", limits=Limits(restarts_per_hour=1))
    wall.now += 86400
    Budget(str(tmp_path), wall).spend(service)
    wall.now -= 86400
    assert Budget(str(tmp_path), wall).exhausted([service]) == {}


def test_the_history_is_private(build: Any, tmp_path: Path, wall: Any) -> None:
    service = build.service("web")
    Budget(str(tmp_path / "new"), wall).spend(service)
    assert (tmp_path / "new" / "starts.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_full_disk_does_not_keep_a_service_down(build: Any, tmp_path: Path, wall: Any) -> None:
    service = build.service("web")
    (tmp_path / "file").write_text("")
    Budget(str(tmp_path / "file"), wall).spend(service)
    assert (tmp_path / "file").read_text() == ""
