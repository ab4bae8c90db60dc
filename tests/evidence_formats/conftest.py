# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools of tools/evidence_formats.sh, and a tree of hostile names on a real file system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit/plugins/plugin_utils/_evidence"))

from bag_fixture import hostile_names, plant

Tool = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def names() -> list[bytes]:
    return hostile_names(2500)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: Any, names: list[bytes]) -> Path:
    """A directory with 2,500 hostile names in it."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    assert plant(folder, names) == len(os.listdir(folder)) + 1 == 2501
    return folder


@pytest.fixture(scope="session")
def tool() -> Tool:
    """Call a tool by its file in one of the environments: ``tool("BAG_TOOLS", "bagit.py", "--validate", path)``."""

    def call(where: str, name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [os.path.join(os.environ[where], name), *map(str, arguments)]
        return subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False
        )

    return call
