# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bag is one for the tools that everybody has, or it is none at all."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import bag
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Limits, Store
from ansible_collections.toombos.incident.plugins.module_utils._evidence.types import Stored

NAME = "INC-2026-1124-0001-web-1-001"


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A bag with three payload files."""
    path = bag.new_bag(str(tmp_path / "home"), NAME)
    store = Store(path, Limits(0, 1 << 30), None)
    stored: list[Stored] = []
    for number in range(3):
        stored += store.put(f"logs/{number}", f"/var/log/{number}", [os.urandom(9000)], 1 << 20)
    info = {"Source-Organization": "us", "External-Description": "down\r\nPayload-Oxum: 1.1"}
    bag.close_bag(path, stored, {"host": "web-1"}, info)
    return Path(path)


def checked(path: Path, algorithm: str, manifest: str) -> bool:
    command = [f"{algorithm}sum", "--strict", "--quiet", "-c", manifest]
    return subprocess.run(command, cwd=path, capture_output=True, check=False).returncode == 0


def test_stock_tools_accept_it(closed: Path) -> None:
    for algorithm in ("sha256", "sha512"):
        assert checked(closed, algorithm, f"manifest-{algorithm}.txt")
        assert checked(closed, algorithm, f"tagmanifest-{algorithm}.txt")


@pytest.mark.parametrize(
    "changed", ["data/logs/1.gz", "bag-info.txt", "capture.json", "bagit.txt", "manifest-sha512.txt"]
)
def test_stock_tools_find_one_flipped_bit(closed: Path, changed: str) -> None:
    content = bytearray((closed / changed).read_bytes())
    content[len(content) // 2] ^= 1
    (closed / changed).write_bytes(content)
    which = "manifest" if changed.startswith("data/") else "tagmanifest"
    assert not checked(closed, "sha256", f"{which}-sha256.txt")
    assert not checked(closed, "sha512", f"{which}-sha512.txt")


def test_every_file_is_listed_once_and_counted(closed: Path) -> None:
    payload = sorted(str(path.relative_to(closed)) for path in (closed / "data").rglob("*") if path.is_file())
    for algorithm in ("sha256", "sha512"):
        listed = [line.split("  ", 1)[1] for line in (closed / f"manifest-{algorithm}.txt").read_text().splitlines()]
        assert listed == payload
    size = sum((closed / path).stat().st_size for path in payload)
    info = (closed / "bag-info.txt").read_text().splitlines()
    assert info == [
        "Source-Organization: us",
        "External-Description: down Payload-Oxum: 1.1",
        f"Payload-Oxum: {size}.3",
    ]
    assert (closed / "bagit.txt").read_text() == "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    assert json.loads((closed / "capture.json").read_text()) == {"host": "web-1"}


def test_nobody_else_can_read_it(closed: Path) -> None:
    assert not [path for path in (closed, *closed.rglob("*")) if path.stat().st_mode & 0o077]


def test_a_bag_that_was_not_finished_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bag.new_bag(str(tmp_path), NAME)
    (Path(path) / "tagmanifest-sha512.txt").mkdir()
    with pytest.raises(FileExistsError):
        bag.close_bag(path, (), {}, {})
    assert not (Path(path) / "bagit.txt").exists()


def test_one_that_is_there_is_not_touched(tmp_path: Path) -> None:
    path = bag.new_bag(str(tmp_path), NAME)
    (Path(path) / "data" / "kept").write_text("x")
    with pytest.raises(FileExistsError):
        bag.new_bag(str(tmp_path), NAME)
    assert (Path(path) / "data" / "kept").read_text() == "x"


@pytest.mark.parametrize("name", ["", "..", "a/b", "ä", "a b", "-x", "a\n", "x" * 101])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(IncidentError, match="name of a bag"):
        bag.check_name(name)
