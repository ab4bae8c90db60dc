# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clearing temp paths never leaves the declaration, whatever was planted there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._recovery.temp import clear_temp, count_temp


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A tree that must survive everything."""
    precious = tmp_path / "outside"
    precious.mkdir()
    (precious / "precious.txt").write_text("keep")
    return precious


def test_removes_and_counts_files_directories_and_bytes(tmp_path: Path) -> None:
    work = tmp_path / "t" / "work"
    (work / "deep").mkdir(parents=True)
    (work / "a").write_bytes(b"12345")
    (work / "deep" / "b").write_bytes(b"123")
    cleared = clear_temp((str(work),))
    assert (cleared.files, cleared.directories, cleared.bytes, cleared.kept) == (2, 2, 8, [])
    assert not work.exists()
    assert work.parent.is_dir()
    assert str(cleared) == "removed 2 files and 2 directories, 8 bytes"


def test_a_wildcard_stays_in_its_directory(tmp_path: Path) -> None:
    for name in ("job-1", "job-2", "jobs", "other"):
        (tmp_path / name).write_text("x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "job-3").write_text("x")
    assert count_temp((f"{tmp_path}/job-*",)) == 2
    clear_temp((f"{tmp_path}/job-*",))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["job-3", "jobs", "other", "sub"]


def test_a_link_is_removed_and_its_target_kept(tmp_path: Path, outside: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "dir").symlink_to(outside)
    (work / "file").symlink_to(outside / "precious.txt")
    cleared = clear_temp((str(work),))
    assert not work.exists()
    assert (outside / "precious.txt").read_text() == "keep"
    assert cleared.files == 2
    assert cleared.bytes == 0


def test_a_declared_path_that_is_a_link_is_only_unlinked(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "work").symlink_to(outside)
    clear_temp((f"{tmp_path}/work",))
    assert not (tmp_path / "work").is_symlink()
    assert (outside / "precious.txt").exists()


def test_a_link_on_the_way_is_refused(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "via").symlink_to(outside)
    cleared = clear_temp((f"{tmp_path}/via/precious.txt",))
    assert (outside / "precious.txt").exists()
    assert "link or no directory" in cleared.kept[0]
    assert "left alone" in str(cleared)
    assert count_temp((f"{tmp_path}/via/precious.txt",)) == 0


def test_hard_linked_content_survives(tmp_path: Path, outside: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    os.link(outside / "precious.txt", work / "linked")
    clear_temp((str(work),))
    assert (outside / "precious.txt").read_text() == "keep"


def test_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    cleared = clear_temp((f"{tmp_path}/none/work", f"{tmp_path}/gone"))
    assert (cleared.files, cleared.directories, cleared.kept) == (0, 0, [])


def test_sockets_and_pipes_go_without_being_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "work")
    assert clear_temp((f"{tmp_path}/work",)).files == 1


def test_what_cannot_be_removed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").write_text("x")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "unlink", refuse)
    assert clear_temp((f"{tmp_path}/work",)).kept == [f"{tmp_path}/work (Operation not permitted)"]


def test_another_file_system_is_not_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    (work / "mounted").mkdir(parents=True)
    (work / "mounted" / "data").write_text("x")
    real = os.stat

    def elsewhere(path: object, **options: object) -> os.stat_result:
        status = real(path, **options)  # type: ignore[arg-type]
        if path == "mounted":
            fields = list(status)
            fields[2] = status.st_dev + 1
            return os.stat_result(fields)
        return status

    monkeypatch.setattr(os, "stat", elsewhere)
    cleared = clear_temp((str(work),))
    assert (work / "mounted" / "data").exists()
    assert any("another file system" in line for line in cleared.kept)


def test_a_parent_that_cannot_be_listed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: object) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    assert clear_temp((f"{tmp_path}/work",)).kept == [f"{tmp_path}/work (Permission denied)"]
