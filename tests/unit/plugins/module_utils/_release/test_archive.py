# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a tree in an archive, and back again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._release import archive


def test_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "deep").mkdir(parents=True)
    (top / "deep" / "bin").write_bytes(bytes(range(256)) * 999)
    (top / "deep" / "bin").chmod(0o4750)
    os.utime(top / "deep" / "bin", (1, 1234567890.5))
    os.link(top / "deep" / "bin", top / "other name\n")
    os.symlink("nowhere", top / "link")
    os.mkfifo(top / "pipe")
    index = tmp_path / "index"
    index.write_bytes(b"DIRC")
    needed = ["deep/bin", "other name\n", "link", "pipe", "absent", "deep/bin/below"]
    with tempfile.TemporaryFile() as file:
        said = archive.pack(file.fileno(), str(top), needed, [], [str(index)], 0)
        assert said == {"files": 3, "bytes": 2 * 256 * 999 + 7, "gone": ["absent", "deep/bin/below"], "left": []}
        (top / "deep" / "bin").unlink()
        (top / "deep" / "bin").mkdir()
        (top / "other name\n").write_text("x")
        (top / "absent").write_text("came since")
        index.write_bytes(b"other")
        file.seek(0)
        archive.unpack(file.fileno(), str(top), ["absent"], [str(index)])
    found = (top / "deep" / "bin").stat()
    assert (found.st_mode & 0o7777, found.st_mtime, found.st_size) == (0o4750, 1234567890.5, 256 * 999)
    assert (top / "other name\n").read_bytes() == (top / "deep" / "bin").read_bytes()
    assert os.readlink(top / "link") == "nowhere"
    assert not (top / "absent").exists()
    assert index.read_bytes() == b"DIRC"
    assert not [name for name in os.listdir(top) if name.startswith(".toombos")]


def test_what_is_not_needed_may_be_left(tmp_path: Path) -> None:
    (tmp_path / "small").write_text("1234")
    (tmp_path / "large").write_text("1" * 100)
    with tempfile.TemporaryFile() as file:
        said = archive.pack(file.fileno(), str(tmp_path), ["large"], ["small"], [], 10)
        assert (said["files"], said["left"]) == (1, ["small"])
        said = archive.pack(file.fileno(), str(tmp_path), [], ["small", "large"], [], 10)
        assert (said["files"], said["left"]) == (1, ["large"])


def test_a_directory_with_something_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    with tempfile.TemporaryFile() as file:
        archive.pack(file.fileno(), str(tmp_path), ["a"], [], [], 0)
        (tmp_path / "a").unlink()
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "mine").write_text("")
        file.seek(0)
        with pytest.raises(OSError, match="not empty"):
            archive.unpack(file.fileno(), str(tmp_path), [], [])
    assert os.listdir(tmp_path) == ["a"]


def test_what_is_in_the_way(tmp_path: Path) -> None:
    for name in ("file", "parent", "dir/mine", "ours/tracked"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    os.mkfifo(tmp_path / "pipe")
    os.symlink("x", tmp_path / "link")
    added = ["file", "parent/child", "dir", "ours", "pipe", "link", "free", "free/er"]
    assert archive.in_the_way(str(tmp_path), added, ["ours/tracked"]) == {
        "files": ["file", "link", "parent"],
        "blocked": ["dir/mine", "pipe"],
    }
