# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of each release, for all tests; hosts work side by side."""

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What works with one host stays together, in one process: that of its release, or those of its file."""
    for each in items:
        callspec = getattr(each, "callspec", None)
        group = callspec.params.get("host") if callspec is not None else None
        each.add_marker(pytest.mark.xdist_group(group or each.path.stem))
