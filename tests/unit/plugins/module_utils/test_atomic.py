# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.toombos.incident.plugins.module_utils import _atomic
from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic, write_pieces


def test_a_new_file_is_private(tmp_path):
    write_atomic(str(tmp_path / "record"), b"one")
    assert (tmp_path / "record").read_bytes() == b"one"
    assert stat.S_IMODE(os.stat(tmp_path / "record").st_mode) == 0o600
    assert os.listdir(tmp_path) == ["record"]


def test_an_old_file_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "record"
    target.write_bytes(b"old and longer")
    os.link(target, tmp_path / "other-name")
    write_atomic(str(target), b"new", mode=0o644)
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(os.stat(target).st_mode) == 0o644
    assert (tmp_path / "other-name").read_bytes() == b"old and longer"


def test_a_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "precious").write_bytes(b"precious")
    os.symlink("precious", tmp_path / "record")
    write_atomic(str(tmp_path / "record"), b"new")
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert not (tmp_path / "record").is_symlink()


def test_a_name_without_a_directory_is_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_atomic("record", b"here")
    assert (tmp_path / "record").read_bytes() == b"here"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize(("uid", "gid", "owner"), [(1, 2, (1, 2)), (1, None, (1, 0)), (None, 2, (0, 2))])
def test_owner_and_group(tmp_path, uid, gid, owner):
    write_atomic(str(tmp_path / "record"), b"x", uid=uid, gid=gid)
    made = os.stat(tmp_path / "record")
    assert (made.st_uid, made.st_gid) == owner


@pytest.mark.parametrize("failing", ["fsync", "fchmod", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing):
    (tmp_path / "record").write_bytes(b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_atomic.os, failing, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(str(tmp_path / "record"), b"new")
    assert os.listdir(tmp_path) == ["record"]
    assert (tmp_path / "record").read_bytes() == b"old"


def test_content_is_on_disk_before_the_name_and_the_name_before_the_return(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(_atomic.os, "fsync", lambda fd: (events.append(stat.S_ISDIR(os.fstat(fd).st_mode)), fsync(fd)))
    monkeypatch.setattr(_atomic.os, "replace", lambda *names: (events.append("replace"), replace(*names)))
    write_atomic(str(tmp_path / "record"), b"x")
    assert events == [False, "replace", True]


def test_a_missing_directory_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomic(str(tmp_path / "nowhere" / "record"), b"x")


def test_what_fails_while_it_is_made_leaves_the_old_file(tmp_path):
    target = tmp_path / "record"
    target.write_bytes(b"old")

    def pieces():
        yield b"half"
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_pieces(str(target), pieces())
    assert (os.listdir(tmp_path), target.read_bytes()) == (["record"], b"old")
    write_pieces(str(target), iter((b"a", b"b")))
    assert target.read_bytes() == b"ab"
