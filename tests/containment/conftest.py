# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some hosts for all tests; each test leaves them as it found them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from neighbourhood import VICTIM, Neighbourhood
from victim import BACKENDS, Victim


@pytest.fixture(scope="session", autouse=True)
def own_network() -> None:
    """Nothing here may be done to the machine: tools/containment.sh brings a container along."""
    assert "container" in os.environ or os.path.exists("/.dockerenv"), "run tools/containment.sh"


@pytest.fixture(scope="session")
def neighbourhood() -> Iterator[Neighbourhood]:
    made = Neighbourhood()
    yield made
    made.close()


@pytest.fixture(params=BACKENDS)
def victim(request: pytest.FixtureRequest, neighbourhood: Neighbourhood) -> Iterator[Victim]:
    """The victim, with each of the packet filters."""
    made = Victim(neighbourhood.of[VICTIM], request.param)
    yield made
    made.space.run("nft", "flush", "ruleset")
    made.forget_legacy()


@pytest.fixture
def by_nft(neighbourhood: Neighbourhood) -> Iterator[Victim]:
    """The victim, with nft."""
    made = Victim(neighbourhood.of[VICTIM], "nftables")
    yield made
    made.space.run("nft", "flush", "ruleset")
