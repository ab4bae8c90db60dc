# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of a tree, in one order, with what the kernel says of each, and nothing of what lies elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.birth import births
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.tree import walk


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """With a link out of it, a link to nowhere, and names that sort differently as texts and as paths."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("12345")
    (tmp_path / "a-").write_text("")
    (tmp_path / "out").symlink_to("/etc")
    (tmp_path / "nowhere").symlink_to(os.fsdecode(b"\xff|"))
    return tmp_path


def test_everything_is_there_once_and_in_order(tree: Path) -> None:
    found = list(walk([str(tree)]))
    names = [os.fsdecode(os.path.relpath(each.path, os.fsencode(tree))) for each in found]
    assert names == [".", "a", "a/b", "a/b/file", "a-", "nowhere", "out"]
    known = dict(zip(names, found))
    assert [known[name].target() for name in ("out", "nowhere", "a")] == [b"/etc", b"\xff|", b""]
    assert (known["a/b/file"].mode[0], known["a"].mode[0], known["out"].mode[0]) == ("-", "d", "l")
    assert known["a/b/file"].status.st_size == 5
    assert [each.path for each in walk([str(tree)])] == [each.path for each in found]


def test_other_file_systems_are_named_and_not_entered() -> None:
    found = {each.path for each in walk(["/proc/self"]) if each.path.count(b"/") < 3}
    assert found == {b"/proc/self"}  # it is a link
    found = {each.path for each in walk(["/dev"])}
    assert b"/dev/null" in found
    mounts = {line.split()[1].encode() for line in Path("/proc/mounts").read_text().splitlines()}
    assert not [
        path for path in found for mount in mounts if mount.startswith(b"/dev/") and path.startswith(mount + b"/")
    ]


def test_what_is_not_there_is_nothing(tree: Path) -> None:
    assert list(walk(["/nonexistent/tree"])) == []


def test_a_walk_leaves_every_time_as_it_is(tree: Path) -> None:
    def times() -> list[tuple[int, int, int]]:
        return [(each.st_atime_ns, each.st_mtime_ns, each.st_ctime_ns) for each in map(os.lstat, paths)]

    paths = [tree, *tree.rglob("*")]
    for path in paths:
        os.utime(path, (0, 0), follow_symlinks=False)  # what was accessed so long ago shows the next access
    before = times()
    assert len(list(walk([str(tree)]))) == len(paths)
    assert times() == before


def test_births_are_what_stat_says(tree: Path) -> None:
    if not shutil.which("stat"):
        pytest.skip("stat says it the other way, where it is there")
    path = tree / "a" / "b" / "file"
    said = subprocess.run(["stat", "-c", "%W", path], capture_output=True, text=True, check=True).stdout.strip()
    born = births()(os.fsencode(path))
    assert (born or 0) // 1_000_000_000 == int(said.replace("-", "0"))
    assert births()(b"/nonexistent") is None
