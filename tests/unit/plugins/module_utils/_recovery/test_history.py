# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of health on disk."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._recovery import history as module
from ansible_collections.toombos.incident.plugins.module_utils._recovery.history import HealthHistory


def live(tmp_path: Path, wall: Any, *healthy: bool, minutes: float = 5.0) -> HealthHistory:
    """One look after the other, each by a run of its own."""
    for good in healthy:
        HealthHistory(str(tmp_path), wall).remember({"web": good, "db": True})
        wall.now += 60 * minutes
    return HealthHistory(str(tmp_path), wall)


@pytest.mark.parametrize(
    ("healthy", "said"),
    [
        ((), {}),
        ((True, True, True, True), {}),
        ((False, False, False, False), {}),
        ((False, True), {}),
        ((False, True, False), {"web": "changed 3 times in 15 minutes"}),
        ((False, False, True, True, False, True), {"web": "changed 4 times in 30 minutes"}),
    ],
)
def test_three_changes_within_an_hour_are_flapping(
    tmp_path: Path, wall: Any, healthy: tuple[bool, ...], said: dict[str, str]
) -> None:
    assert live(tmp_path, wall, *healthy).flapping() == said


def test_it_is_over_an_hour_after_the_changes(tmp_path: Path, wall: Any) -> None:
    history = live(tmp_path, wall, False, True, False, True)
    wall.now += 38 * 60
    assert history.flapping() == {"web": "changed 4 times in 58 minutes"}
    wall.now += 8 * 60
    assert history.flapping() == {}
    assert live(tmp_path, wall, False, True, False, minutes=31).flapping() == {}


def test_a_host_that_is_well_is_not_written_to(tmp_path: Path, wall: Any) -> None:
    live(tmp_path / "state", wall, True, True)
    assert not (tmp_path / "state").exists()
    live(tmp_path / "state", wall, False)
    before = (tmp_path / "state" / "health.json").stat().st_ino
    live(tmp_path / "state", wall, False)
    assert (tmp_path / "state" / "health.json").stat().st_ino == before, "nothing new, nothing written"


def test_the_file_stays_small(tmp_path: Path, wall: Any) -> None:
    live(tmp_path, wall, *[False, True] * 100, minutes=0.1)
    assert len(json.loads((tmp_path / "health.json").read_text())["web"]) == 20
    wall.now += 7200
    HealthHistory(str(tmp_path), wall).remember({"db": False})
    assert list(json.loads((tmp_path / "health.json").read_text())) == ["db"], "what is well again is forgotten"


@pytest.mark.parametrize("content", ["", "[1]", '{"web": "x"}', '{"web": [["then", true]]}', '{"web": 3}', "\x00\xff"])
def test_a_damaged_history_counts_as_empty(tmp_path: Path, wall: Any, content: str) -> None:
    (tmp_path / "health.json").write_text(content)
    assert HealthHistory(str(tmp_path), wall).flapping() == {}
    assert live(tmp_path, wall, False, True, False).flapping() == {"web": "changed 3 times in 15 minutes"}


def test_a_clock_that_was_set_back_makes_nothing_flap(tmp_path: Path, wall: Any) -> None:
    history = live(tmp_path, wall, False, True, False)
    wall.now -= 86400
    assert history.flapping() == {}


def test_a_full_disk_keeps_nobody_from_reporting(tmp_path: Path, wall: Any, monkeypatch: Any) -> None:
    def full(*_ignored: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    live(tmp_path, wall, False)
    before = (tmp_path / "health.json").read_bytes()
    monkeypatch.setattr(module, "write_atomic", full)
    assert live(tmp_path, wall, True, False).flapping() == {}
    assert (tmp_path / "health.json").read_bytes() == before
