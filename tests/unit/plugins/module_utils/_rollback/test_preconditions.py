# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reason not to begin has its own words, and nothing is changed."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest
from switching import World, write

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback import kernel
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.preconditions import objections
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Refused

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root can give files away")


def old(world: World) -> None:
    write(world / "a", "A=1\n", 0o600)
    write(world / "d/x", "x")


def new(world: World) -> None:
    write(world / "a", "A=2\n", 0o600)
    write(world / "b", "b")


@pytest.fixture
def refused(world: World) -> Callable[..., Refused]:
    """Switch from old to new after ``spoil``; the refusal. Nothing but what ``spoil`` did may have changed."""

    def ask(spoil: Callable[[World], None], **changes: Any) -> Refused:
        target = changes.get("target") or world.state(new)
        current = world.state(old)
        spoil(world)
        before = _listing(world.set)
        with pytest.raises(Refused) as caught, world.transaction(**changes.get("options", {})) as transaction:
            transaction.prepare(make_switch(current, target), changes.get("contents", world.contents))
        assert _listing(world.set) == before
        assert "Nothing was changed." in str(caught.value)
        assert all(each.way_out for each in caught.value.objections)
        assert world.leftovers() == []
        return caught.value

    return ask


def _listing(top: Path) -> list[Any]:
    return sorted(
        (path, os.lstat(path).st_ino, os.lstat(path).st_mtime_ns, os.lstat(path).st_mode)
        for folder, folders, files in os.walk(str(top))
        for path in (folder, *(os.path.join(folder, each) for each in (*folders, *files)))
    )


def _replace(path: Path, by: str) -> None:
    path.unlink()
    path.mkdir() if by == "directory" else os.symlink("x", str(path)) if by == "symlink" else os.mkfifo(str(path))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda w: write(w / "a", "A=3\n", 0o600), r"/a was changed after it had been read \(time and content\)"),
        (lambda w: (w / "a").chmod(0o644), r"/a was changed after it had been read \(mode\)"),
        (lambda w: (w / "a").unlink(), r"/a is absent now; it was a file when it was read"),
        (lambda w: _replace(w / "a", "directory"), r"/a is a directory now; it was a file"),
        (lambda w: _replace(w / "a", "symlink"), r"/a is a symbolic link now; it was a file"),
        (lambda w: _replace(w / "a", "fifo"), r"/a is neither a file nor a directory nor a link now"),
        (lambda w: write(w / "b", "b"), r"/b is a file now; it was absent"),
        (lambda w: write(w / "d/more", "b"), r"/d/more does not belong to the set, and lies in .*/d, which is to be"),
    ],
)
def test_what_changed_since_it_was_read(
    refused: Callable[..., Refused], spoil: Callable[[World], None], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        raise refused(spoil)


def test_a_change_of_what_would_stay(world: World, refused: Callable[..., Refused]) -> None:
    write(world.root / "elsewhere/stays", "1")
    world.declared = replace(world.declared, trees=(str(world.set),), files=(str(world.root / "elsewhere/stays"),))
    with pytest.raises(Refused, match="elsewhere/stays was changed after it had been read"):
        raise refused(lambda w: write(w.root / "elsewhere/stays", "22"))


def test_a_parent_that_is_not_there(world: World) -> None:
    target = Entry(str(world / "gone/x"), "file", 0o600, os.geteuid(), os.getegid(), 1, 0, _sha256(b""))
    with pytest.raises(Refused, match=r"The directory of .*/gone/x is not there.*mkdir"), world.transaction() as ours:
        ours.prepare(make_switch((), (target,)), lambda _sha256: iter([b""]))


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def test_contents_that_are_missing_or_damaged(world: World, refused: Callable[..., Refused]) -> None:
    def missing(sha256: str) -> Any:
        raise IncidentError("The object is not there.", "Verify the store.")

    caught = refused(lambda w: None, contents=missing)
    assert "The kept content of " in str(caught)
    assert "The object is not there." in str(caught)
    assert len(caught.result["objections"]) == 2
    for damaged in ([b"A=2"], [b"A=3\n"], []):
        with pytest.raises(Refused, match="is not what it was when it was kept"):
            raise refused(lambda w: None, contents=lambda sha256, damaged=damaged: iter(damaged))


def test_no_room(refused: Callable[..., Refused]) -> None:
    caught = refused(lambda w: None, options={"reserve": 1 << 60})
    assert "bytes to spare, the switch needs" in str(caught)


def test_attributes_that_the_file_system_cannot_hold(world: World, refused: Callable[..., Refused]) -> None:
    target = world.state(new)
    odd = tuple(replace(each, xattrs={"nosuch.space": "eA=="}) if each.kind == "file" else each for each in target)
    with pytest.raises(Refused, match=r"The file system of .*/a cannot hold nosuch\.space"):
        raise refused(lambda w: None, target=odd)


def test_a_path_that_changes_while_it_is_looked_at(refused: Callable[..., Refused], monkeypatch: Any) -> None:
    def stumble() -> str:
        raise OSError(22, "Invalid argument", "/srv/x")

    def spoil(_world: World) -> None:
        monkeypatch.setattr(kernel, "mount_points", stumble)

    with pytest.raises(Refused, match="cannot be looked at: Invalid argument"):
        raise refused(spoil)


def test_one_file_reached_on_two_ways(world: World) -> None:
    write(world / "a", "1")
    os.symlink(str(world.set), str(world.root / "way"))
    entries = [Entry(path, "absent") for path in (str(world / "b"), str(world.root / "way/b"))]
    target = [replace(entry, kind="symlink", target="x", uid=os.geteuid(), gid=os.getegid()) for entry in entries]
    found = objections(make_switch(entries, target), world.contents, 0, str(world.root))
    assert "are the same file, reached on two ways" in found[0].message


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_a_directory_that_this_user_may_not_write_to(world: World, refused: Callable[..., Refused]) -> None:
    world.declare(files=["a", "b"])
    try:
        with pytest.raises(Refused, match="This user may not write to"):
            raise refused(lambda w: w.set.chmod(0o555))
    finally:
        world.set.chmod(0o755)


def acl(*entries: tuple[int, int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY = 0xFFFFFFFF
BY_ACL = acl((1, 7, NOBODY), (2, 7, 1234), (4, 5, NOBODY), (16, 7, NOBODY), (32, 5, NOBODY))


@needs_root
@pytest.mark.parametrize(
    ("owner", "mode", "by_acl", "who"),
    [
        ((1234, 0), 0o755, b"", "user 1234, who owns it"),
        ((0, 0), 0o757, b"", "everybody"),
        ((0, 1234), 0o775, b"", "group 1234"),
        ((0, 0), 0o775, BY_ACL, "user 1234, by an ACL"),
        ((0, 0), 0o777 | 0o1000, b"", ""),
        ((0, 0), 0o775, b"", ""),
        ((55, 66), 0o755, b"", ""),
        ((55, 66), 0o775, b"", ""),
        ((77, 0), 0o755, b"", ""),
    ],
)
def test_a_directory_that_others_can_change(
    world: World, owner: tuple[int, int], mode: int, by_acl: bytes, who: str
) -> None:
    """55:66 owns the file, and 77 is trusted; 1234 is a stranger."""
    place = world / "place"
    write(place / "conf/a", "1")
    os.chown(str(place / "conf/a"), 55, 66)
    os.chown(str(place), *owner)
    place.chmod(mode)
    if by_acl:
        os.setxattr(str(place), "system.posix_acl_access", by_acl)
    world.declare(files=["place/conf/a"])
    current = world.read()
    target = tuple(replace(entry, mode=0o600) for entry in current)
    found = objections(make_switch(current, target), world.contents, 0, str(world.root), [77])
    said = f"{place}, on the way to {place}/conf/a, can be changed by {who}: "
    assert [each.message[: len(said)] for each in found] == ([said] if who else [])


def test_rights_of_an_acl() -> None:
    rights = acl(
        (1, 7, NOBODY), (2, 6, 5), (2, 4, 6), (4, 7, NOBODY), (8, 2, 9), (8, 1, 10), (16, 7, NOBODY), (32, 7, NOBODY)
    )
    assert kernel.acl_writers(rights) == ({5}, {-1, 9})
    assert kernel.acl_writers(acl((2, 6, 5), (4, 7, NOBODY), (16, 5, NOBODY))) == (set(), set())


def test_flags_of_files_that_have_none(world: World) -> None:
    write(world / "a", "1")
    directory = os.open(str(world.set), os.O_RDONLY)
    try:
        assert [kernel.flags_word(directory, name) for name in ("a", ".", "nothing")] == ["", "", ""]
    finally:
        os.close(directory)
    assert "/proc" in kernel.mount_points() or not Path("/proc/self/mountinfo").exists()
