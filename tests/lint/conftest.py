# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that the lints look at."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def listed_files() -> list[Path]:
    """Everything tracked or about to be, relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\0")
    return sorted(Path(name) for name in names if name and (ROOT / name).is_file())


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def files() -> Callable[..., list[Path]]:
    """Call it with folders and suffixes: ``files("plugins", "roles", suffix=(".py",))``; no folder means everywhere."""
    listed = listed_files()
    assert len(listed) > 50, "git lists next to nothing: the lints would pass on nothing"

    def choose(*folders: str, suffix: tuple[str, ...] = ()) -> list[Path]:
        inside = [path for path in listed if not folders or str(path).startswith(tuple(f"{one}/" for one in folders))]
        return [path for path in inside if not suffix or path.suffix in suffix]

    return choose
