# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every bag of the engine is one for the tools that everybody has, and each finds a single byte that changed."""

from __future__ import annotations

import glob
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from bag_fixture import INCIDENT, make_bag

from ansible_collections.toombos.incident.plugins.module_utils._evidence.compress import find_zstd
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.bodyfile import bodyfile
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.bagcheck import check_bag

Tool = Callable[..., Any]
KINDS = ["gzip", *(["zstd"] if find_zstd() else [])]


def noise(size: int) -> Iterator[bytes]:
    yield random.Random(size).randbytes(size)


@pytest.fixture(params=KINDS)
def bag(request: pytest.FixtureRequest, tmp_path: Path, hostile: Path) -> Path:
    """Every regular file of the hostile names, their bodyfile, and what is larger than its cap."""
    return make_bag(
        tmp_path / INCIDENT,
        {"files/hostile": lambda: bodyfile([str(hostile)]), "logs/cut": lambda: noise(3 << 20)},
        {"hostile/files": f"{glob.escape(str(hostile))}/*"},
        zstd=find_zstd() if request.param == "zstd" else None,
        most=1 << 20,
    )


def sums(algorithm: str) -> Callable[[Path, Tool], int]:
    """The manifests of both kinds, as somebody without any of our tools checks them."""

    def check(bag: Path, _tool: Tool) -> int:
        script = f"{algorithm}sum --strict --quiet -c manifest-{algorithm}.txt tagmanifest-{algorithm}.txt"
        return subprocess.run(script, shell=True, cwd=bag, capture_output=True, check=False).returncode

    return check


CHECKS: dict[str, Callable[[Path, Tool], int]] = {
    "bagit": lambda bag, tool: tool("BAG_TOOLS", "bagit.py", "--validate", bag).returncode,
    "sha256sum": sums("sha256"),
    "sha512sum": sums("sha512"),
    "ours": lambda bag, _tool: len(check_bag(str(bag)).problems),
}


def test_the_bag_holds_the_hostile_files(bag: Path) -> None:
    assert len([path for path in (bag / "data").rglob("*") if path.is_file()]) > 1400
    names = [path.relative_to(bag).as_posix() for path in bag.rglob("*")]
    assert all(name.isascii() and not set(name) & set("%\r\n|\\ ") for name in names)


@pytest.mark.parametrize("check", CHECKS)
def test_stock_tools_accept_it_and_find_one_flipped_byte(bag: Path, check: str, tool: Tool, tmp_path: Path) -> None:
    assert CHECKS[check](bag, tool) == 0
    source = random.Random(7)
    payload = [path for path in sorted((bag / "data").rglob("*")) if path.is_file() and path.stat().st_size]
    tags = [bag / name for name in ("bag-info.txt", "capture.json", "manifest-sha256.txt", "manifest-sha512.txt")]
    for path in (*source.sample(payload, 4), *tags):
        content = path.read_bytes()
        changed = bytearray(content)
        changed[source.randrange(len(changed))] ^= source.randrange(1, 256)
        path.write_bytes(changed)
        assert CHECKS[check](bag, tool) != 0, path
        path.write_bytes(content)
    assert CHECKS[check](bag, tool) == 0


@pytest.mark.parametrize("check", CHECKS)
def test_a_payload_file_that_is_gone_is_found_by_each(bag: Path, check: str, tool: Tool) -> None:
    path = next(path for path in (bag / "data").rglob("*") if path.is_file())
    path.unlink()
    assert CHECKS[check](bag, tool) != 0


@pytest.mark.parametrize("check", ["bagit", "ours"])
def test_a_file_that_was_slipped_in_is_found(bag: Path, check: str, tool: Tool) -> None:
    (bag / "data" / "more").write_text("x")
    assert CHECKS[check](bag, tool) != 0


def test_a_copy_of_a_bag_is_as_good(bag: Path, tool: Tool, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / bag.name
    shutil.copytree(bag, copy)
    assert CHECKS["bagit"](copy, tool) == 0
    assert os.listdir(copy)
