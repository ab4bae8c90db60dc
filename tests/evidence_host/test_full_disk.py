# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A full disk, at any point of a capture: a whole package, or a failed task and nothing left."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from capturing import BAG, HOME, capture, contents, files, whole

_LIBC = ctypes.CDLL(None)
_REMOUNT = 32  # MS_REMOUNT
POINTS = 25  # while it collects, and as many while it packs
SIZE = 12 << 20  # bytes of logs, which cannot be compressed


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Some large and many small files."""
    for number in range(8):
        (tmp_path / f"large{number}").write_bytes(os.urandom(SIZE // 12))
    for number in range(128):
        (tmp_path / f"small{number}").write_bytes(os.urandom(SIZE // 384))
    return tmp_path


@pytest.fixture
def fill() -> Iterator[Callable[[Callable[[], bool]], None]]:
    """Leave nothing free on the disk from the moment on when this becomes true."""
    ended = threading.Event()
    threads = []

    def start(when: Callable[[], bool]) -> None:
        ended.clear()

        def watch() -> None:
            while not ended.is_set():
                # It is refused when more is used meanwhile.
                if when() and not _shrink("/var/tmp"):
                    return
                time.sleep(0.0005)

        threads.append(threading.Thread(target=watch))
        threads[-1].start()

    yield start
    ended.set()
    for thread in threads:
        thread.join()


def _shrink(path: str) -> int:
    disk = os.statvfs(path)
    used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    # Not by the program: until that has started it is all over.
    result: int = _LIBC.mount(None, path.encode(), None, _REMOUNT, f"size={used}".encode())
    return result


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("phase", ["tree", "parts"])
@pytest.mark.parametrize("sealed", [False, True])
def test_the_disk_gets_full_at_any_point(
    disk: Callable[[int], None], fill: Callable[..., None], logs: Path, tmp_path: Path, phase: str, sealed: bool
) -> None:
    seal = _seal(tmp_path) if sealed else None
    asked = [files(logs / "small*", name="a/small"), files(logs / "large*", name="a/large")]
    seen = {"failed": 0, "in part": 0, "whole": 0}
    for point in range(POINTS):
        disk(64 << 20)

        def reached(point: int = point) -> bool:
            with contextlib.suppress(OSError):
                return size_of(HOME / BAG / phase) >= point * SIZE // POINTS
            return False

        fill(reached)
        done = capture(asked, seal=seal)
        assert done.complaints == ""
        if done.result.get("failed"):
            assert "the disk" in done.result["msg"] or "No space left" in done.result["msg"], done.result["msg"]
            assert "Nothing of this capture is left" in done.result["msg"]
            assert not HOME.exists() or os.listdir(HOME) == []
            seen["failed"] += 1
            continue
        package = whole(done.result)
        if not sealed:
            kept = [name for name, _content in contents(package) if name.startswith("data/")]
            assert len(kept) == done.result["payload"]["files"]
        outcomes = done.result["outcomes"]
        assert outcomes == {"collected": 2} or outcomes.get("error")
        assert sorted(os.listdir(done.result["directory"])) == ["package.json", "parts"]
        seen["whole" if outcomes == {"collected": 2} else "in part"] += 1
    assert seen["failed"] > POINTS // 2, seen


def test_the_reserve_stays_free(disk: Callable[[int], None], logs: Path) -> None:
    for reserve in range(4, 60, 4):  # MiB
        disk(64 << 20)
        done = capture([files(logs / "*")], reserve=f"{reserve}MiB")
        # What was stored before the room ended can be packed, too.
        assert not done.result.get("failed"), (reserve, done.result["msg"])
        whole(done.result)
        assert done.result["outcomes"] == {"collected": 1} or "would be left with less than" in str(done.result)
        free = os.statvfs("/var/tmp")
        assert free.f_bavail * free.f_frsize >= reserve << 20
    disk(64 << 20)
    done = capture([files(logs / "*")], reserve="1GiB")
    assert "would be left with less than 1073741824 bytes" in done.result["msg"]
    assert os.listdir(HOME) == []


def _seal(folder: Path) -> dict[str, object]:
    subprocess.run([os.environ["AGE_KEYGEN"], "-o", folder / "key"], capture_output=True, check=True)
    shown = subprocess.run([os.environ["AGE_KEYGEN"], "-y", folder / "key"], capture_output=True, text=True, check=True)
    return {"method": "age", "recipients": [shown.stdout.strip()]}
