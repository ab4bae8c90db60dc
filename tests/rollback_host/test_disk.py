# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that are full, read-only, or keep flags; and mounts in the way."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from switching import World, write

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.transaction import settle
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Refused, Switch, SwitchFailed

PAGE = 4096
Disk = Callable[..., Path]


def old(world: World) -> None:
    write(world / "a", "A" * 9000, 0o600)
    write(world / "d/x", "x" * 9000)
    write(world / "e", "e")


def new(world: World) -> None:
    write(world / "a", "B" * 17000, 0o640)
    write(world / "n/m/x", "y" * 9000)
    write(world / "f", "f")


def states(world: World) -> tuple[tuple, tuple]:
    return world.state(new), world.state(old)


def fill(place: Path, spare_pages: int) -> None:
    """Leave so many pages free."""
    disk = os.statvfs(place)
    pages = disk.f_bavail * disk.f_frsize // PAGE - spare_pages
    (place / "filler").write_bytes(bytes(PAGE) * max(0, pages))


def switched(world: World, switch: Switch) -> str:
    """Empty, or why not. What is looked for beforehand is left out: the room goes after it was looked for."""
    try:
        with world.transaction(reserve=-(1 << 40)) as transaction:
            transaction.prepare(switch, world.contents)
            transaction.commit()
    except IncidentError as error:
        return error.message
    return ""


@pytest.mark.parametrize("apart", [False, True], ids=["journal on the same disk", "journal elsewhere"])
def test_a_disk_that_is_full_at_any_point(disk: Disk, tmp_path: Path, apart: bool) -> None:
    place = disk("size=400k")
    world = World(place)
    if apart:
        world.journal = tmp_path / "journal"
    target, _current = states(world)
    ends = set()
    for spare in range(40):
        current = world.state(old)
        fill(place, spare)
        said = switched(world, make_switch(current, target))
        assert not said or "was full" in said, said
        ends.add("old" if said else "new")
        assert world.read() == (current if said else target), (spare, said)
        assert world.leftovers() == [], spare
        assert settle(str(world.journal)).outcome == "nothing"
        (place / "filler").unlink()
    assert ends == {"old", "new"}


def test_no_room_is_seen_before_anything_is_staged(disk: Disk) -> None:
    place = disk("size=400k")
    world = World(place)
    target, current = states(world)
    fill(place, 8)
    with pytest.raises(
        Refused, match=r"28,672 bytes to spare, the switch needs 86,016 and a reserve of 4,096"
    ) as caught:
        world.switch(target, reserve=4096)
    assert caught.value.way_out == "Free some space on it and run again."
    assert world.read() == current


def test_no_inodes(disk: Disk) -> None:
    place = disk("size=1m,nr_inodes=40")
    world = World(place)
    target, current = states(world)
    world.journal.mkdir(mode=0o700)
    (world.journal / "lock").touch()
    for number in range(os.statvfs(place).f_favail - 3):
        (place / f"filler{number}").touch()
    with pytest.raises(Refused, match="has room for 3 more files, the switch needs"):
        world.switch(target, reserve=0)
    assert world.read() == current


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", place], check=True)


def test_a_read_only_disk(disk: Disk, tmp_path: Path) -> None:
    place = disk()
    world = World(place)
    world.journal = tmp_path / "journal"
    target, current = states(world)
    remount(place, "ro")
    with pytest.raises(Refused, match=r"is mounted read-only.*Nothing was changed"):
        world.switch(target)
    remount(place, "rw")
    assert world.read() == current


def test_a_disk_that_becomes_read_only_after_the_check(disk: Disk, tmp_path: Path) -> None:
    place = disk()
    world = World(place)
    world.journal = tmp_path / "journal"
    target, current = states(world)
    with world.transaction() as transaction:
        transaction.prepare(make_switch(current, target), world.contents)
        remount(place, "ro")
        with pytest.raises(SwitchFailed, match="Read-only file system") as caught:
            transaction.commit()
    assert {*caught.value.old} >= {str(world / name) for name in "adenf"}
    assert (world / "a").read_text() == "A" * 9000
    remount(place, "rw")
    assert settle(str(world.journal)).outcome == "finished"
    assert world.read() == target


def test_a_directory_that_is_mounted_read_only(disk: Disk) -> None:
    world = World(disk())
    target, current = states(world)
    subprocess.run(["mount", "--bind", world.set, world.set], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", world.set], check=True)
        with pytest.raises(Refused, match="is mounted read-only"):
            world.switch(target)
    finally:
        subprocess.run(["umount", world.set], check=True)
    assert world.read() == current


@pytest.mark.parametrize("name", ["e", "d", "d/x"])
def test_a_mount_point_in_the_way(disk: Disk, name: str) -> None:
    world = World(disk())
    target, current = states(world)
    subprocess.run(["mount", "--bind", world / name, world / name], check=True)
    try:
        with pytest.raises(Refused, match=f"{name} is a mount point"):
            world.switch(target)
    finally:
        subprocess.run(["umount", world / name], check=True)
    assert world.read() == current


def test_names_of_one_file_on_two_disks(disk: Disk) -> None:
    world = World(disk())
    other = disk(name="other")
    write(world / "a", "1")
    write(other / "b", "1")
    world.declared = replace(world.declared, trees=(), files=(str(world / "a"), str(other / "b")))
    current = world.read()
    target = tuple(replace(entry, link=1, mode=0o600) for entry in current)
    with pytest.raises(Refused, match="must be one file, but lie on two file systems"):
        world.switch(target)
    assert world.read() == current


@pytest.mark.parametrize("flag", ["i", "a"])
@pytest.mark.parametrize("name", [".", "a", "d/x"])
def test_a_flag_that_keeps_it(disk: Disk, flag: str, name: str) -> None:
    world = World(disk())
    target, current = states(world)
    set_flag = subprocess.run(["chattr", f"+{flag}", world / name], check=False, capture_output=True, text=True)
    if set_flag.returncode:
        pytest.skip(f"no flags in memory here: {set_flag.stderr.strip()}")
    word = {"i": "immutable", "a": "append-only"}[flag]
    try:
        with pytest.raises(Refused, match=f"is {word}") as caught:
            world.switch(target)
        assert f"chattr -{flag} " in caught.value.way_out
        assert world.leftovers() == []
    finally:
        subprocess.run(["chattr", f"-{flag}", world / name], check=True)
    assert world.read() == current
