# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sixteen classes of what a path can be: switched there and back, everything is as it was."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import Callable

import pytest
from switching import World, write

ROOT = os.geteuid() == 0
NOBODY = 0xFFFFFFFF
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"


def acl(owner: int, stranger: int, group: int) -> bytes:
    """Tag, rights, number: of owner, user 1234, group and mask; others have none."""
    entries = ((1, owner, NOBODY), (2, stranger, 1234), (4, group, NOBODY), (16, stranger, NOBODY), (32, 0, NOBODY))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


ACL = acl(6, 4, 4)
NET_BIND = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)


def attribute(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(str(path), name, value)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EPERM):
            pytest.skip(f"{name} cannot be set here: {error.strerror}")
        raise


def owned(world: World) -> None:
    os.chown(str(write(world / "a", "x")), 1234, 4321)


def plain(world: World) -> None:
    write(world / "a", "A=1\n", 0o640)


def empty(world: World) -> None:
    write(world / "a", "")


def binary(world: World) -> None:
    write(world / "a", bytes(range(256)) * 4096, 0o400)


def setuid(world: World) -> None:
    os.chmod(str(write(world / "a", "#!/bin/true\n")), 0o4755)
    if ROOT:
        os.chown(str(world / "a"), 1234, 0)
        os.chmod(str(world / "a"), 0o4755)


def setgid_directory(world: World) -> None:
    write(world / "d/x", "inside")
    (world / "d").chmod(0o3770)


def time_in_ns(world: World) -> None:
    os.utime(str(write(world / "a", "x")), ns=(1, 1_234_567_890_123_456_789))


def user_attribute(world: World) -> None:
    attribute(write(world / "a", "x"), "user.origin", b"\x00\xff from somewhere")


def acls(world: World) -> None:
    attribute(write(world / "d/a", "x"), ACCESS, ACL)
    attribute(world / "d", DEFAULT, ACL)
    attribute(world / "d", ACCESS, acl(7, 5, 1))


def capability(world: World) -> None:
    attribute(write(world / "a", "x", 0o755), "security.capability", NET_BIND)


def hard_links(world: World) -> None:
    write(world / "a", "one file")
    write(world / "d/x", "another")
    os.link(str(world / "a"), str(world / "d/b"))


def symlink(world: World) -> None:
    write(world / "a", "x")
    os.symlink("a", str(world / "l"))
    os.utime(str(world / "l"), ns=(5, 1_000_000_007), follow_symlinks=False)


def dangling(world: World) -> None:
    os.symlink("/nowhere/at all", str(world / "a"))


def odd_name(world: World) -> None:
    write(world / os.fsdecode(b"\xff\xfe\n a"), "x")
    os.symlink(os.fsdecode(b"\xfa"), str(world / "l"))


def empty_directory(world: World) -> None:
    (world / "d").mkdir(mode=0o711)


def nothing(world: World) -> None:
    os.utime(str(world.set), ns=(3, 3))


def something_else(world: World) -> None:
    """Of each name that the others use, another kind or another content."""
    write(world / "a", "something else", 0o604)
    write(world / "l", "no link", 0o600)
    write(world / "d/x/y", "deeper", 0o600)
    write(world / "d/other", "z")
    (world / "d").chmod(0o1777)


def nothing_there(world: World) -> None:
    os.utime(str(world.set), ns=(7, 7))


CLASSES = [
    plain,
    empty,
    binary,
    setuid,
    setgid_directory,
    owned,
    time_in_ns,
    user_attribute,
    acls,
    capability,
    hard_links,
    symlink,
    dangling,
    odd_name,
    empty_directory,
    nothing,
]
NEED_ROOT = (owned, capability)


def test_these_are_sixteen() -> None:
    assert len(set(CLASSES)) == 16


@pytest.mark.parametrize("other", [something_else, nothing_there], ids=lambda make: make.__name__)
@pytest.mark.parametrize("make", CLASSES, ids=lambda make: make.__name__)
def test_there_and_back(world: World, make: Callable[[World], None], other: Callable[[World], None]) -> None:
    if make in NEED_ROOT and not ROOT:
        pytest.skip("only root can make this")
    second, first = world.state(other), world.state(make)
    for target in (second, first, second, first):
        outcome = world.switch(target)
        assert outcome.outcome == ("nothing" if first == second else "finished")
        assert world.read() == target
        assert world.leftovers() == []
    assert world.switch(first).outcome == "nothing"


@pytest.mark.skipif(not ROOT, reason="only root can give files away")
def test_inherited_acls_give_nobody_rights(world: World) -> None:
    """A directory hands its default ACL to whatever is made in it, and a target may have none."""
    target = world.state(plain)
    write(world / "a", "changed", 0o640)
    attribute(world.set, DEFAULT, ACL)
    world.declare(files=["a"])
    target = tuple(entry for entry in target if entry.path.endswith("/a"))
    world.switch(target)
    assert world.read() == target
    assert os.listxattr(str(world / "a")) == []


@pytest.mark.skipif(ROOT, reason="root can do all this")
def test_what_only_root_can_give_is_refused(world: World) -> None:
    from dataclasses import replace

    before = world.state(plain)
    target = tuple(replace(entry, uid=12345) if entry.kind == "file" else entry for entry in before)
    with pytest.raises(Exception, match="which only root can do"):
        world.switch(target)
    assert world.read() == before
