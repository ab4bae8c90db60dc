# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two fields change, by one write, under the locks of the system; every other byte stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from access_world import SHADOW, TODAY, World

from ansible_collections.toombos.incident.plugins.module_utils._access import shadow, shadow_file
from ansible_collections.toombos.incident.plugins.module_utils._access.types import Fields
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize(
    ("password", "expire", "after"),
    [
        (b"$6$x", b"", Fields(b"!$6$x", b"1")),
        (b"", b"", Fields(b"!", b"1")),
        (b"!$6$x", b"", Fields(b"!$6$x", b"1")),
        (b"*", b"", Fields(b"*", b"1")),
        (b"!!", b"1", Fields(b"!!", b"1")),
        (b"$6$x", b"25000", Fields(b"!$6$x", b"1")),
        (b"$6$x", b"19999", Fields(b"!$6$x", b"19999")),
        (b"$6$x", b"0", Fields(b"!$6$x", b"1")),
        (b"$6$x", b"-1", Fields(b"!$6$x", b"1")),
        (b"$6$x", b"soon", Fields(b"!$6$x", b"1")),
    ],
)
def test_a_lock_shuts_the_password_and_the_account_and_leaves_what_is_shut(
    password: bytes, expire: bytes, after: Fields
) -> None:
    assert shadow.locked(Fields(password, expire), TODAY) == after


def test_only_the_two_fields_of_the_entry_change() -> None:
    after = shadow.with_fields(SHADOW, {"eve": Fields(b"!$6$e$eee", b"1")})
    assert after == SHADOW.replace(b"eve:$6$e$eee:", b"eve:!$6$e$eee:").replace(b":25000:", b":1:")


def test_the_last_line_without_an_end_stays_without_one() -> None:
    after = shadow.with_fields(SHADOW, {"key": Fields(b"!", b"1")})
    assert after == SHADOW[: -len(b"key:!:19001::::::")] + b"key:!:19001:::::1:"


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("nobody", "no entry"),
        ("short", "malformed"),
        ("twice", "more than one entry"),
        ("dep", "no entry"),
    ],
)
def test_an_entry_that_is_not_exactly_one_is_refused(user: str, words: str) -> None:
    data = SHADOW + b"\ntwice:a:::::::\ntwice:b:::::::\n"
    with pytest.raises(shadow.BadEntry, match=words):
        shadow.with_fields(data, {user: Fields(b"!", b"1")})


def test_mode_owner_and_attributes_stay(world: World) -> None:
    path = world.etc / "shadow"
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 0, 42)
    os.setxattr(path, "user.label", b"system_u")
    before = path.stat()
    assert shadow_file.change_shadow(lambda data: data + b"x", str(world.etc))
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.getxattr(path, "user.label") == b"system_u"
    assert sorted(os.listdir(world.etc)) == [".pwd.lock", "group", "passwd", "shadow"]


def test_nothing_is_written_when_nothing_changes(world: World) -> None:
    before = (world.etc / "shadow").stat()
    assert not shadow_file.change_shadow(lambda data: data, str(world.etc))
    assert (world.etc / "shadow").stat().st_ino == before.st_ino


def test_a_link_in_its_place_is_refused_and_not_followed(world: World) -> None:
    (world.etc / "shadow").rename(world.etc / "elsewhere")
    (world.etc / "shadow").symlink_to("elsewhere")
    with pytest.raises(IncidentError, match="is a symbolic link"):
        shadow_file.change_shadow(lambda data: data + b"x", str(world.etc))
    assert (world.etc / "elsewhere").read_bytes() == SHADOW


def test_a_full_disk_leaves_the_file_and_nothing_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shadow_file.os, "fsync", full)
    with pytest.raises(IncidentError, match=r"shadow cannot be written: No space left on device\. It is as it was"):
        shadow_file.change_shadow(lambda data: data + b"x", str(world.etc))
    assert world.shadow == SHADOW
    assert sorted(os.listdir(world.etc)) == [".pwd.lock", "group", "passwd", "shadow"]


def test_who_edits_it_is_waited_for_and_then_named(world: World) -> None:
    (world.etc / "shadow.lock").write_bytes(f"{os.getppid()}\0".encode())
    with pytest.raises(IncidentError, match=f"held by pid {os.getppid()}: vipw"):
        shadow_file.change_shadow(lambda data: data + b"x", str(world.etc), patience=0.2)
    assert world.shadow == SHADOW
    assert not list(world.etc.glob("shadow.[0-9]*"))


def test_the_lock_of_a_program_that_is_gone_is_taken(world: World) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    (world.etc / "shadow.lock").write_bytes(f"{gone.pid}\0".encode())
    assert shadow_file.change_shadow(lambda data: data + b"x", str(world.etc), patience=0.2)
    assert not (world.etc / "shadow.lock").exists()


def test_the_lock_of_pam_is_waited_for(world: World) -> None:
    hold = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
    argv = [sys.executable, "-c", hold, str(world.etc / ".pwd.lock")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(IncidentError, match=r"Another program holds .*\.pwd\.lock"):
            shadow_file.change_shadow(lambda data: data + b"x", str(world.etc), patience=0.2)
        holder.communicate(b"\n")
    assert shadow_file.change_shadow(lambda data: data + b"x", str(world.etc), patience=5)


def test_what_others_see_meanwhile_is_both_locks(world: World) -> None:
    with shadow_file.locked(str(world.etc)):
        assert (world.etc / "shadow.lock").read_bytes() == f"{os.getpid()}\0".encode()
    assert not (world.etc / "shadow.lock").exists()


def test_a_write_past_the_locks_is_not_overwritten(world: World) -> None:
    def change(data: bytes) -> bytes:
        other = world.etc / "other"
        other.write_bytes(b"other\n")
        other.replace(world.etc / "shadow")
        return data + b"x"

    with pytest.raises(IncidentError, match="changed meanwhile, past its locks"):
        shadow_file.change_shadow(change, str(world.etc))
    assert world.shadow == b"other\n"


def test_what_a_killed_call_left_is_removed_by_the_next(world: World) -> None:
    (world.etc / ".shadow.0123456789abcdef").write_bytes(b"half")
    assert shadow_file.change_shadow(lambda data: data + b"x", str(world.etc))
    assert not list(world.etc.glob(".shadow.*"))
