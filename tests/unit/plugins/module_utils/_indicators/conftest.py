# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of signs of a breach share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from planted_host import PlantedHost, a_clean_host


@pytest.fixture
def host(tmp_path: Path) -> PlantedHost:
    """A clean host."""
    return a_clean_host(tmp_path / "host", tmp_path / "store")
