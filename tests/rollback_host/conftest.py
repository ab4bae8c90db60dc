# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of which nothing lasts: the files that are switched are in memory, and seen by these tests alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "unit/plugins/module_utils/_rollback")]

from switching import World


@pytest.fixture(scope="session", autouse=True)
def own_mounts() -> None:
    """Nothing here may be done to the mounts of the machine."""
    assert os.readlink("/proc/self/ns/mnt") != os.environ["MOUNTS_OF_THE_MACHINE"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mount a disk of a size, in memory."""
    made: list[Path] = []

    def make(options: str = "size=16m", name: str = "disk") -> Path:
        place = tmp_path / name
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=755,{options}", "none", place], check=True)
        made.append(place)
        return place

    yield make
    for place in made:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def world(disk: Callable[..., Path]) -> World:
    """A set on a disk of its own."""
    return World(disk())
