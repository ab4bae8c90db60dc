# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of which nothing lasts: where captures are made is in memory, and seen by these tests alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))


def mount(*arguments: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", *arguments], check=True)


@pytest.fixture(scope="session", autouse=True)
def own_mounts() -> None:
    """Nothing here may be done to the mounts of the machine."""
    assert os.readlink("/proc/self/ns/mnt") != os.environ["MOUNTS_OF_THE_MACHINE"]
    # Where a host finds what is unpacked in the checkout only.
    mount("-o", "mode=755", "none", "/usr/local/bin")
    os.symlink(os.environ["AGE"], "/usr/local/bin/age")


@pytest.fixture
def disk() -> Iterator[Callable[..., None]]:
    """Mount a disk of a size at /var/tmp, where captures are made."""
    made: list[str] = []

    def unmount() -> None:
        while made:
            subprocess.run(["umount", made.pop()], check=True)

    def make(size: int) -> None:
        unmount()
        mount("-o", f"size={size},mode=1777", "none", "/var/tmp")
        made.append("/var/tmp")

    yield make
    unmount()
