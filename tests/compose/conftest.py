# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine for all tests, a project for each."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from containers import Engine, Project


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine that tools/containers.sh has found."""
    # A short path: the kernel allows 107 bytes for the name of a socket.
    home = Path(tempfile.mkdtemp(prefix="compose-"))
    made = Engine(os.environ["INCIDENT_ENGINE"], home)
    yield made
    made.close()
    shutil.rmtree(home)


@pytest.fixture
def project(engine: Engine, tmp_path: Path) -> Iterator[Project]:
    """A project without containers."""
    made = Project(engine, tmp_path / "state")
    yield made
    made.close()


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
