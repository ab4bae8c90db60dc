# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line per entry, whatever its name, and eleven fields in each."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.bodyfile import bodyfile
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.names import exact

NAMES = [b"\xff|%0a\r\n\xc3\xa4 ..", b"plain", b"a|b", b"\n", "ä %".encode(), b"x" * 255, b"\\|", b"one -> two"]


def test_a_line_per_entry_whatever_its_name(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    for name in NAMES:
        Path(os.fsdecode(os.path.join(root, name))).write_text("x")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "in|it").write_text("12345")
    (tmp_path / "link -> x").symlink_to("a|b -> c")
    lines = b"".join(bodyfile([str(tmp_path)])).decode().splitlines()
    rows = {row[1]: row for row in (line.split("|") for line in lines)}
    assert len(lines) == len(rows) == 1 + len(NAMES) + 3
    assert {len(row) for row in rows.values()} == {11}
    assert {exact(name) for name in rows if " -> " not in name} == {
        root,
        *(os.path.join(root, name) for name in (*NAMES, b"dir", b"dir/in|it")),
    }
    assert rows[rf"{tmp_path}/dir/in\x7cit"][6] == "5"
    (link,) = [name for name in rows if " -> " in name]
    assert [exact(each) for each in link.split(" -> ")] == [os.path.join(root, b"link -> x"), b"a|b -> c"]
    assert rows[str(tmp_path)][3].startswith("d")


def test_times_are_whole_seconds_also_before_the_epoch(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_text("")
    os.utime(path, ns=(1_700_000_000_999_999_999, -1))
    (line,) = b"".join(bodyfile([str(path)])).decode().splitlines()
    atime, mtime, ctime, _birth = map(int, line.split("|")[7:])
    assert (atime, mtime) == (1_700_000_000, -1)
    assert ctime == int(path.stat().st_ctime)


def test_many_entries_come_in_batches(tmp_path: Path) -> None:
    for number in range(1200):
        (tmp_path / str(number)).touch()
    batches = list(bodyfile([str(tmp_path)]))
    assert [batch.count(b"\n") for batch in batches] == [500, 500, 201]


def test_trees_that_are_not_there_are_no_lines() -> None:
    assert list(bodyfile(["/nonexistent/tree"])) == []
