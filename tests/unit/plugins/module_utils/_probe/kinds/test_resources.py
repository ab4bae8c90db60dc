# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds disk, memory, swap, open_files, load and cpu."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock


def statvfs(used: float, inodes_used: float | None = 0.0) -> os.statvfs_result:
    """Of 1000 blocks and 100 inodes."""
    free = round(1000 * (1 - used))
    inodes = 0 if inodes_used is None else 100
    inodes_free = 0 if inodes_used is None else round(100 * (1 - inodes_used))
    return os.statvfs_result((4096, 4096, 1000, free, free, inodes, inodes_free, inodes_free, 0, 255))


@pytest.mark.parametrize(
    ("used", "inodes", "status", "observed"),
    [
        (0.5, 0.1, "pass", {"bytes": 50.0, "inodes": 10.0}),
        (0.8, 0.1, "warn", {"bytes": 80.0, "inodes": 10.0}),
        (0.79, 0.85, "warn", {"bytes": 79.0, "inodes": 85.0}),
        (0.9, 0.1, "fail", {"bytes": 90.0, "inodes": 10.0}),
        (0.1, 1.0, "fail", {"bytes": 10.0, "inodes": 100.0}),
        (0.5, None, "pass", {"bytes": 50.0, "inodes": 0.0}),
    ],
)
def test_disk(
    ask: Any, monkeypatch: pytest.MonkeyPatch, used: float, inodes: float | None, status: str, observed: Any
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda path: statvfs(used, inodes))
    outcome = ask(kind="disk", path="/srv")
    assert (outcome.status, outcome.observed) == (status, observed)
    assert outcome.reason == ("ok" if status == "pass" else "over_limit")
    assert outcome.expected == {"bytes": {"warn": 80.0, "fail": 90.0}, "inodes": {"warn": 80.0, "fail": 90.0}}


def test_disk_counts_as_df_does(ask: Any, tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    used = found.f_blocks - found.f_bfree
    outcome = ask(kind="disk", path=str(tmp_path), bytes={"warn": 100, "fail": 100}, inodes={"warn": 100, "fail": 100})
    assert outcome.observed["bytes"] == pytest.approx(100 * used / (used + found.f_bavail), abs=1.0)


def test_disk_that_is_not_there(ask: Any) -> None:
    outcome = ask(kind="disk", path="/no/such/path")
    assert (outcome.status, outcome.reason) == ("fail", "missing")


def test_disk_that_hangs(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(os, "statvfs", lambda path: released.wait(60))
    try:
        outcome = ask(kind="disk", path="/dead/mount", seconds=0.1)
    finally:
        released.set()
    assert (outcome.reason, "/dead/mount" in outcome.message) == ("timeout", True)


@pytest.mark.parametrize(
    ("available", "status", "used"), [(700, "pass", 30.0), (200, "warn", 80.0), (50, "fail", 95.0)]
)
def test_memory(ask: Any, tmp_path: Path, available: int, status: str, used: float) -> None:
    (tmp_path / "meminfo").write_text(f"MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: {available} kB\nHugePages: 0\n")
    outcome = ask(kind="memory", proc=str(tmp_path))
    assert (outcome.status, outcome.observed) == (status, {"memory": used})


def test_memory_of_this_machine(ask: Any) -> None:
    assert 0 < ask(kind="memory", warn=100, fail=100).observed["memory"] < 100


@pytest.mark.parametrize(("load", "status"), [(1.0, "pass"), (3.2, "warn"), (8.0, "fail")])
def test_load_is_per_core(ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: float, status: str) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    (tmp_path / "loadavg").write_text(f"{load} 9.0 9.0 1/100 4711\n")
    outcome = ask(kind="load", proc=str(tmp_path))
    assert (outcome.status, outcome.observed) == (status, {"load": load / 2})
    assert outcome.message == f"load {load / 2:g} per core"


@pytest.mark.parametrize(
    ("total", "free", "status", "used"), [(0, 0, "pass", 0.0), (1000, 900, "pass", 10.0), (1000, 50, "fail", 95.0)]
)
def test_swap(ask: Any, tmp_path: Path, total: int, free: int, status: str, used: float) -> None:
    (tmp_path / "meminfo").write_text(f"MemTotal: 9 kB\nSwapTotal: {total} kB\nSwapFree: {free} kB\n")
    outcome = ask(kind="swap", proc=str(tmp_path))
    assert (outcome.status, outcome.observed) == (status, {"swap": used})


@pytest.mark.parametrize(
    ("after", "status", "used"),
    [
        # user nice system idle iowait irq softirq steal guest
        ("200 0 100 1000 100 0 0 0 50", "fail", 100.0),
        ("180 0 100 1020 100 0 0 0 50", "warn", 80.0),
        # What waits for a disk does not work.
        ("120 0 100 1000 180 0 0 0 50", "pass", 20.0),
    ],
)
def test_cpu(ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str, status: str, used: float) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 100 1000 100 0 0 0 50\ncpu0 1 1 1 1\n")
    monkeypatch.setattr(Clock, "sleep", lambda _self, _seconds: stat.write_text(f"cpu  {after}\n"))
    outcome = ask(kind="cpu", proc=str(tmp_path))
    assert (outcome.status, outcome.observed) == (status, {"cpu": used})
    assert outcome.expected == {"cpu": {"warn": 75.0, "fail": 90.0}}


def test_open_files_names_the_process_that_is_nearest_to_its_limit(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "sys" / "fs").mkdir(parents=True)
    (tmp_path / "sys" / "fs" / "file-nr").write_text("100\t0\t1000\n")
    for pid, count, limit in ((11, 30, "100"), (12, 38, "40"), (13, 60, "unlimited"), (14, 10, "10")):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        for number in range(count):
            (tmp_path / str(pid) / "fd" / str(number)).touch()
        (tmp_path / str(pid) / "limits").write_text(
            f"Limit  Soft Limit\nMax open files            {limit}    99  files\n"
        )
    (tmp_path / "15").mkdir()  # it has ended meanwhile
    outcome = ask(kind="open_files", proc=str(tmp_path))
    assert (outcome.status, outcome.observed) == ("fail", {"host": 10.0, "process": 95.0})
    assert "(pid 12: 38 of 40)" in outcome.message


def test_open_files_and_processor_of_this_machine(ask: Any) -> None:
    # Of a limit that is as good as none even many open files are nothing.
    assert 0 <= ask(kind="open_files").observed["host"] < 100
    assert 0 <= ask(kind="cpu", warn=100, fail=100).observed["cpu"] <= 100
