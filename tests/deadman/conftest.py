# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starters for all tests, in a directory that every user may enter."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from starting import Starters


@pytest.fixture
def starters() -> Iterator[Starters]:
    home = Path(tempfile.mkdtemp(prefix="deadman-"))
    home.chmod(0o755)
    made = Starters(home)
    yield made
    made.close()
    shutil.rmtree(home)
