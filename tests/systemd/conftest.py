# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of each release, for all tests; hosts work side by side."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

sys.path.insert(0, str(Path(__file__).resolve().parent))

from host import Host

RELEASES = {"INCIDENT_IMAGE": "trixie", "INCIDENT_IMAGE_OLD": "bookworm"}


@pytest.fixture(scope="session", params=RELEASES, ids=RELEASES.values())
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host with the systemd of that release."""
    made = Host(os.environ["INCIDENT_ENGINE"], os.environ[request.param])
    yield made
    made.close()


class ByHost(LoadScopeScheduling):
    """What works with one host stays together, in one process: that of its release, or those of its file."""

    def _split_scope(self, nodeid: str) -> str:
        return next((name for name in RELEASES.values() if f"[{name}" in nodeid), nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByHost:
    """Instead of that which ``--dist`` names."""
    return ByHost(config, log)
