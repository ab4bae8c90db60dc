# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are read as they are at one moment, and what happens to them meanwhile is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._evidence import files


def test_no_artifact_has_a_million_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST", 3)
    for name in "abcde":
        (tmp_path / name).write_text("")
    found, many = files.expand([f"{tmp_path}/*"])
    assert (len(found), many) == (3, True)
    assert files.expand([f"{tmp_path}/[ab]", f"{tmp_path}/z"]) == ([f"{tmp_path}/{name}" for name in "abz"], False)


def test_a_directory_is_everything_below_it_and_leads_nowhere_else(tmp_path: Path) -> None:
    for name in ("tree/a", "tree/.hidden/.b", "tree/deep/er/c", "elsewhere/d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "elsewhere")
    found, many = files.expand([f"{tmp_path}/tree/"])
    assert found == [f"{tmp_path}/tree/{name}" for name in (".hidden/.b", "a", "deep/er/c")]
    assert not many
    assert files.expand(["/nowhere/at/all/"]) == (["/nowhere/at/all"], False)


def test_when_it_was_read_last_stays(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("content")
    os.utime(path, ns=(1, 2))
    with files.opened(str(path)) as opened:
        assert b"".join(files.read(opened)) == b"content"
    assert path.stat().st_atime_ns == 1


def test_what_happens_meanwhile_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x"

    def told(change: str) -> str:
        path.write_text("content")
        with files.opened(str(path)) as opened:
            _CHANGES[change](path)
            got = len(b"".join(files.read(opened)))
            return files.moved(opened, min(got, 7))

    assert told("nothing") == ""
    assert told("grow") == "it grew by 5 bytes, which are not part of it"
    assert told("cut") == "it was cut from 7 to 3 bytes"
    assert told("write") == "it was written to"
    assert told("rotate") == "its name was given to another file"
    assert told("remove") == "its name is gone"


_CHANGES = {
    "nothing": lambda path: None,
    "grow": lambda path: path.open("a").write(" more"),
    "cut": lambda path: os.truncate(path, 3),
    "write": lambda path: os.utime(path, ns=(5, 5)),
    "rotate": lambda path: (path.rename(f"{path}.1"), path.write_text("new")),
    "remove": lambda path: path.unlink(),
}
