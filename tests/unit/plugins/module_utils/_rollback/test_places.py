# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is led elsewhere by a link, and attributes that a file system has not are no error."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from switching import World, write

from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback import attributes, kernel, places
from ansible_collections.toombos.incident.plugins.module_utils._rollback.journal import Journal


def test_no_part_of_a_path_is_followed(world: World, tmp_path: Path) -> None:
    write(world / "d/e/x", "1")
    os.symlink("d", str(world / "way"))
    with places.opened(str(world / "d/e")) as directory:
        assert os.listdir(directory) == ["x"]
    for path in ("way", "way/e", "d/e/x"):
        with pytest.raises(OSError, match=r"Not a directory|Too many levels") as caught, places.opened(
            str(world / path)
        ):
            pass
        assert caught.value.errno in (errno.ENOTDIR, errno.ELOOP)


def test_another_directory_is_noticed(world: World) -> None:
    inode = os.stat(str(world.set)).st_ino
    with places.opened(str(world.set), inode):
        pass
    with pytest.raises(OSError, match="another directory") as caught, places.opened(str(world.set), inode + 1):
        pass
    assert caught.value.errno == errno.ESTALE


def test_a_tree_goes_and_what_its_links_lead_to_stays(world: World) -> None:
    write(world / "t/a/b", "1")
    write(world / "stays/c", "1")
    os.symlink("../stays", str(world / "t/link"))
    (world / "t/closed").mkdir(mode=0o500)
    with places.opened(str(world.set)) as directory:
        for name in ("t", "t", "nothing"):
            places.remove_tree(directory, name)
    assert sorted(os.listdir(str(world.set))) == ["stays"]
    assert (world / "stays/c").exists()


def test_no_descriptor_stays_open(world: World) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _time in range(3):
        with pytest.raises(OSError, match="No such file"), places.opened(str(world / "no/such")):
            pass
        with places.opened(str(world.set)):
            pass
    first = world.state(lambda w: write(w / "d/a", "1") and None)
    world.switch(world.state(lambda w: None))
    world.switch(first)
    assert len(os.listdir("/proc/self/fd")) == before


def refusing(number: int) -> Any:
    def refuse(*_args: Any, **_more: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return refuse


def test_a_file_system_without_attributes(world: World, monkeypatch: Any) -> None:
    path = str(write(world / "a", "1"))
    monkeypatch.setattr(os, "listxattr", refusing(errno.ENOTSUP))
    assert attributes.read_xattrs(path) is None
    assert attributes.encoded(None) is None
    attributes.write_xattrs(path, None)
    attributes.write_xattrs(path, {})
    monkeypatch.setattr(os, "setxattr", refusing(errno.ENOTSUP))
    with pytest.raises(OSError, match="not supported"):
        attributes.write_xattrs(path, {"user.x": "eA=="})
    monkeypatch.setattr(os, "listxattr", refusing(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        attributes.read_xattrs(path)


def test_a_first_mode_is_never_wider(monkeypatch: Any) -> None:
    file, folder = Entry("/x", "file", mode=0o4444), Entry("/x", "directory", mode=0o1711)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert [attributes.first_mode(each) for each in (file, folder)] == [0o400, 0o700]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert attributes.first_mode(file) == 0o600, "who is not root could not set its attributes"


@pytest.mark.parametrize(
    ("number", "word"),
    [(0x10, "immutable"), (0x20, "append-only"), (0x30, "immutable"), (0x80000, "")],
)
def test_words_for_flags(world: World, monkeypatch: Any, number: int, word: str) -> None:
    write(world / "a", "1")
    os.symlink("a", str(world / "link"))

    def ioctl(_descriptor: int, _request: int, buffer: bytearray) -> None:
        buffer[:4] = number.to_bytes(4, "little")

    monkeypatch.setattr(kernel.fcntl, "ioctl", ioctl)
    with places.opened(str(world.set)) as directory:
        assert [kernel.flags_word(directory, name) for name in ("a", ".", "link")] == [word, word, ""]


def test_mount_points_are_read_as_they_are_written(tmp_path: Path, monkeypatch: Any) -> None:
    fake = tmp_path / "mountinfo"
    fake.write_bytes(b"36 35 98:0 / /mnt/a\\040b\\134c rw - ext4 /dev/x rw\nodd line\n")
    real = open
    monkeypatch.setattr("builtins.open", lambda path, *more, **how: real(fake, *more, **how))
    assert kernel.mount_points() == frozenset({"/mnt/a b\\c"})
    monkeypatch.setattr("builtins.open", refusing(errno.ENOENT))
    assert kernel.mount_points() == frozenset()


def test_a_journal_without_its_place(tmp_path: Path) -> None:
    write(tmp_path / "file", "")
    with pytest.raises(Exception, match="cannot be made: "):
        Journal(str(tmp_path / "file/journal")).lock(0.0)
    (tmp_path / "journal/lock").mkdir(parents=True)
    (tmp_path / "journal").chmod(0o700)
    with pytest.raises(Exception, match="lock cannot be opened: "):
        Journal(str(tmp_path / "journal")).lock(0.0)


def test_the_leftovers_of_a_killed_writer_go(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "journal"))
    journal.lock(0.0)
    journal.unlock()
    write(tmp_path / "journal/.switch.json.0123", "half")
    journal.lock(0.0)
    assert os.listdir(str(tmp_path / "journal")) == ["lock"]
    journal.unlock()
    assert (tmp_path / "journal/lock").read_text() == f"process {os.getpid()}, since 1970-01-01T00:00:00Z\n"
