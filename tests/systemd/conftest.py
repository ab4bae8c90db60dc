# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of each release, for all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from host import Host


@pytest.fixture(scope="session", params=["INCIDENT_IMAGE", "INCIDENT_IMAGE_OLD"], ids=["trixie", "bookworm"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host with the systemd of that release."""
    made = Host(os.environ["INCIDENT_ENGINE"], os.environ[request.param])
    yield made
    made.close()
