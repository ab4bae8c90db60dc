# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was made before is used as long as nothing about it can have changed, and only where nobody else could have."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._lean import kept as k


class Shop:
    """A source, a folder, and how often something was made."""

    def __init__(self, home: Path) -> None:
        self.source, self.folder, self.made = home / "source.py", home / "a" / "scripts", 0
        self.source.write_text("one")

    def get(self, name: str = "tried") -> str:
        return k.kept(name, [self.source], str(self.folder), self._make)

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def _make(self) -> str:
        self.made += 1
        return f"made of {self.source.read_text()}\nä"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_it_is_made_once(shop: Shop) -> None:
    assert {shop.get() for _ in range(3)} == {"made of one\nä"}
    assert shop.made == 1
    assert shop.folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in shop.files] == [0o600]


def test_a_changed_source_makes_another(shop: Shop) -> None:
    shop.get()
    before = shop.source.stat()
    shop.source.write_text("two")
    os.utime(shop.source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert shop.get() == "made of two\nä", "of the same size and time, but not the same"
    shop.source.write_text("one")
    assert (shop.get(), shop.made) == ("made of one\nä", 2)


def test_what_lies_elsewhere_is_the_same_and_what_is_called_otherwise_is_not(shop: Shop, tmp_path: Path) -> None:
    for place, name in (("one", "b.py"), ("two", "b.py"), ("two", "c.py")):
        folder = tmp_path / place
        folder.mkdir(exist_ok=True)
        files = [folder / "a.py", folder / name]
        for file in files:
            file.write_text("x")
        k.kept("tried", files, str(shop.folder), lambda: "made")
    assert len(shop.files) == 2


def test_each_name_has_its_own(shop: Shop) -> None:
    shop.get("one")
    shop.get("one_more")
    assert (shop.made, len(shop.files)) == (2, 2)


def test_only_the_newest_stay(shop: Shop) -> None:
    shop.get("other")
    for number in range(k.MOST + 3):
        shop.source.write_text(str(number))
        shop.get()
        os.utime(max(shop.files, key=lambda path: path.stat().st_mtime_ns), (number, number))
    assert len(shop.files) == k.MOST + 1
    made = shop.made
    for number in range(3, k.MOST + 3):
        shop.source.write_text(str(number))
        shop.get()
    assert shop.made == made


def _torn(file: Path, _folder: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _other_bytes(file: Path, _folder: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"made", b"mode"))


def _empty(file: Path, _folder: Path) -> None:
    file.write_bytes(b"")


def _others_may_write_the_file(file: Path, _folder: Path) -> None:
    file.chmod(0o620)


def _others_may_write_the_folder(_file: Path, folder: Path) -> None:
    folder.chmod(0o777)


def _the_file_is_a_link(file: Path, folder: Path) -> None:
    file.rename(folder.parent / "elsewhere")
    file.symlink_to(folder.parent / "elsewhere")


def _the_folder_is_a_link(_file: Path, folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere")


def _a_pipe_that_nobody_feeds(file: Path, _folder: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize(
    "harm",
    [
        _torn, _other_bytes, _empty, _others_may_write_the_file, _others_may_write_the_folder, _the_file_is_a_link,
        _the_folder_is_a_link, _a_pipe_that_nobody_feeds,
    ],
)  # fmt: skip
def test_what_is_not_to_be_trusted_is_made_anew(shop: Shop, harm: Callable[[Path, Path], None]) -> None:
    shop.get()
    harm(shop.files[0], shop.folder)
    assert (shop.get(), shop.made) == ("made of one\nä", 2)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("which", ["file", "folder"])
def test_what_belongs_to_somebody_else_is_made_anew(shop: Shop, which: str) -> None:
    shop.get()
    os.chown(shop.files[0] if which == "file" else shop.folder, 12345, 12345)
    assert (shop.get(), shop.made) == ("made of one\nä", 2)


def test_a_home_that_cannot_be_written_costs_time_only(shop: Shop) -> None:
    shop.folder.parent.write_text("a file in the place of a folder")
    assert [shop.get(), shop.get()] == ["made of one\nä"] * 2
    assert shop.made == 2


def test_what_cannot_be_made_is_said_and_not_kept(shop: Shop) -> None:
    def fails() -> str:
        raise LookupError("ansible.module_utils.urls is not sent to hosts")

    with pytest.raises(LookupError):
        k.kept("tried", [shop.source], str(shop.folder), fails)
    assert not shop.folder.exists()
