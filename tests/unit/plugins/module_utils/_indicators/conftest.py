# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of signs of a breach share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from planted_host import PlantedHost, a_clean_host

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._indicators import call
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Reading, Stream


@pytest.fixture
def host(tmp_path: Path) -> PlantedHost:
    """A clean host."""
    return a_clean_host(tmp_path / "host", tmp_path / "store")


def _read_here(read: Callable[[], Stream], _seconds: float, _clock: Clock) -> Reading:
    seen = list(read())
    items = tuple(each for each in seen if isinstance(each, Item))
    return Reading(items, tuple(each for each in seen if isinstance(each, Mark)))


@pytest.fixture
def within_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks are no processes of their own, so that it can be measured which lines of readers ran."""
    monkeypatch.setattr(call, "read_apart", _read_here)
