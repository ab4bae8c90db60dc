# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The helpers of these tests, for all of them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Callable

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from release_world import Repo, World

# Containers of ansible-test may be without it.
collect_ignore = [] if shutil.which("git") else ["test_git.py", "test_submodules.py", "test_interrupted.py"]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """An application with two releases: v1 (good) and v2, which is checked out on the branch main."""
    made = Repo(tmp_path / "app")
    made.commit("v1", {"app.py": "one\n", "old.txt": "gone in v2\n", ".gitignore": "*.log\n.env\n/venv/\n"})
    made.git("tag", "last-known-good-tag")
    made.git("rm", "-q", "old.txt")
    made.commit("v2", {"app.py": "two\n", "new/deep.txt": "only in v2\n", "same.bin": "\0\1\2"})
    return made


@pytest.fixture
def world(repo: Repo, tmp_path: Path) -> Callable[..., World]:
    """Call it with keys of ``code``: what a rollback works with, and services that are as the test says."""

    def make(**code: object) -> World:
        return World(tmp_path, {"kind": "git", "path": str(repo.path), **code})

    return make
