# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The helpers of these tests, for all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store, which is not there yet."""
    return Store(str(tmp_path / "store"), who="a test", patience=0.3)


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A directory for configuration."""
    path = tmp_path / "etc"
    path.mkdir()
    return path
