# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs that would keep a scan busy for ever, or hide what is new in them."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

NOW = time.time()
Run = Callable[..., Dict[str, Any]]


def stamped(ago: float, text: str) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOW - ago)) + f" {text}\n"


def test_holes_and_endless_lines_are_bounded_as_lines_are(tmp_path: Path, scan: Run) -> None:
    log, packed = tmp_path / "app.log", tmp_path / "bomb.gz"
    with log.open("wb") as stream:
        stream.truncate(1 << 40)  # as if a log of 1 TiB was truncated under its writer
    result = scan(log, seconds=0.3, largest=1 << 50)
    assert result["complete"] is False
    assert result["files"][0]["notes"] == ["not read to its end: the deadline has come"]
    for inside in (b"\0" * 20_000_000, b"x" * 20_000_000):
        packed.write_bytes(gzip.compress(inside + b"\nERROR\n"))
        assert scan(packed)["patterns"]["errors"]["count"] == 1
        bounded = scan(packed, largest=1_000_000)
        assert bounded["patterns"]["errors"]["count"] == 0
        assert 1_000_000 < bounded["totals"]["bytes"] < 4_000_000
        assert "unpacked, were read" in bounded["files"][0]["notes"][0]


@pytest.mark.parametrize(
    ("ages", "counted"),
    [((100, 90_000, 80_000, 100), 2), ((95_000, 100, 90_000, 93_000, 94_000), 1), ((9_000, 8_000, 7_000), 0)],
)
def test_nothing_new_is_missed_where_times_fall_back(
    tmp_path: Path, scan: Run, ages: tuple[int, ...], counted: int
) -> None:
    log = tmp_path / "app.log"
    log.write_text("".join(stamped(ago, "INFO " + "x" * 200) * 3000 + stamped(ago, "ERROR") for ago in ages))
    assert scan(log, since=NOW - 3600)["patterns"]["errors"]["count"] == counted
