# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tar from a host that may be in somebody else's hands writes plain files into its own directory, or nothing."""

from __future__ import annotations

import contextlib
import io
import random
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._custody.tarstream import BadPackage, read_tar
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.unpack import unpack

BAG = "INC-2026-1125-0001-web-1-001"


def member(name: str, content: bytes = b"x", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def packed(*members: tuple[tarfile.TarInfo, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=kind) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def unpacked(data: bytes, root: Path) -> dict[str, bytes]:
    unpack(io.BytesIO(data), BAG, str(root / "in" / "new"))
    return content(root / "in" / "new")


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "outside").write_text("mine")
    return tmp_path


def test_files_of_all_sizes_come_out_as_they_went_in(root: Path) -> None:
    chance = random.Random(1)
    sizes = (0, 1, 511, 512, 513, (1 << 20) + 7)
    wanted = {f"data/a/{number:04d}": chance.randbytes(size) for number, size in enumerate(sizes)}
    wanted[f"data/{'long' * 45}/{'name' * 20}"] = b"of an extended header"
    data = packed(
        member(BAG, b"", type=tarfile.DIRTYPE),
        member(f"{BAG}/data/nothing/", b"", type=tarfile.DIRTYPE),
        *(member(f"{BAG}/{name}", body, mtime=1.5) for name, body in wanted.items()),
    )
    assert unpacked(data, root) == wanted
    assert not (root / "in/new/data/nothing").exists(), "empty directories are no part of a bag"
    assert not [path for path in (root / "in/new").rglob("*") if path.stat().st_mode & 0o077]


HOSTILE = {
    "absolute": member("/etc/cron.d/x"),
    "up": member(f"{BAG}/../../outside"),
    "up in the middle": member(f"{BAG}/data/../../../outside"),
    "another bag": member("INC-2026-1125-0001-web-2-001/x"),
    "only the beginning of the name": member(f"{BAG}x/data/a"),
    "the bag itself as a file": member(BAG),
    "hidden": member(f"{BAG}/.ssh/authorized_keys"),
    "a control character": member(f"{BAG}/a\nb"),
    "a letter that is none": member(f"{BAG}/\udcff"),
    "a percent sign": member(f"{BAG}/a%0d"),
    "a double slash": member(f"{BAG}//a"),
    "a symbolic link": member(f"{BAG}/a", b"", type=tarfile.SYMTYPE, linkname="/etc"),
    "a hard link": member(f"{BAG}/a", b"", type=tarfile.LNKTYPE, linkname="../outside"),
    "a device": member(f"{BAG}/a", b"", type=tarfile.CHRTYPE),
    "a pipe": member(f"{BAG}/a", b"", type=tarfile.FIFOTYPE),
    "a sparse file": member(f"{BAG}/a", b"", type=tarfile.GNUTYPE_SPARSE),
    "an extended name that leads out": member(f"{BAG}/a", pax_headers={"path": f"{BAG}/../../outside"}),
    "an extended name that is long and leads out": member(f"{BAG}/{'x/' * 90}../outside"),
    "an attribute of links": member(f"{BAG}/a", pax_headers={"linkpath": "/etc"}),
    "a map of holes": member(f"{BAG}/a", pax_headers={"GNU.sparse.map": "0,1"}),
    "a size that is none": member(f"{BAG}/a", pax_headers={"size": "-1"}),
    "a directory with content": member(f"{BAG}/a", b"x", type=tarfile.DIRTYPE),
    "a volume label": member(f"{BAG}/a", b"", type=b"V"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_member_is_refused(kind: str, root: Path) -> None:
    with pytest.raises(BadPackage):
        unpacked(packed(member(f"{BAG}/data/good"), HOSTILE[kind]), root)
    assert (root / "outside").read_text() == "mine"
    assert content(root / "in" / "new") in ({"data/good": b"x"}, {})
    assert sorted(path.name for path in root.iterdir()) == ["in", "outside"]
    assert [path.name for path in (root / "in").iterdir()] == ["new"]


@pytest.mark.parametrize("second", ["data/a", "data", "data/a/b"])
def test_a_name_that_comes_twice_is_refused(second: str, root: Path) -> None:
    with pytest.raises(BadPackage, match="twice"):
        unpacked(packed(member(f"{BAG}/data/a"), member(f"{BAG}/{second}", b"y")), root)
    assert content(root / "in/new") == {"data/a": b"x"}


def test_a_directory_that_is_there_is_not_unpacked_into(root: Path) -> None:
    (root / "in/new").mkdir()
    with pytest.raises(FileExistsError):
        unpack(io.BytesIO(packed()), BAG, str(root / "in/new"))


GOOD = packed(member(f"{BAG}/data/a", b"x" * 700), member(f"{BAG}/b"))


@pytest.mark.parametrize("end", [0, 1, 511, 512, 600, 1024, 1300, 1536, 2048, 2600])
def test_one_that_ends_too_early_is_refused(end: int, root: Path) -> None:
    with pytest.raises(BadPackage):
        unpacked(GOOD[:end], root)


@pytest.mark.parametrize(
    ("position", "byte"),
    [(0, b"J"), (124, b"7"), (148, b"9"), (257, b"x"), (512 + 700, b"hidden"), (len(GOOD) - 1, b"x")],
)
def test_one_that_is_damaged_or_hides_something_is_refused(position: int, byte: bytes, root: Path) -> None:
    with pytest.raises(BadPackage):
        unpacked(GOOD[:position] + byte + GOOD[position + len(byte) :], root)


def test_old_gnu_archives_are_read_but_not_their_long_names(root: Path) -> None:
    assert unpacked(packed(member(f"{BAG}/data/a"), kind=tarfile.GNU_FORMAT), root) == {"data/a": b"x"}
    with pytest.raises(BadPackage):
        list(read_tar(io.BytesIO(packed(member(f"{BAG}/{'x' * 200}"), kind=tarfile.GNU_FORMAT))))


def test_neither_large_files_nor_large_headers_fill_the_memory(root: Path) -> None:
    large = packed(member(f"{BAG}/data/a", bytes(48 << 20)))
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    stream, hostile = io.BytesIO(large), io.BytesIO(header.tobuf() + bytes(1024))
    tracemalloc.start()
    unpack(stream, BAG, str(root / "in/new"))
    with pytest.raises(BadPackage, match="bytes"):
        list(read_tar(hostile))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_random_damage_never_gets_out(root: Path) -> None:
    chance = random.Random(7)
    for number in range(300):
        data = bytearray(GOOD)
        for _each in range(chance.randrange(1, 4)):
            data[chance.randrange(2048)] = chance.randrange(256)
        (root / f"in{number}").mkdir()
        with contextlib.suppress(BadPackage):
            unpack(io.BytesIO(bytes(data)), BAG, str(root / f"in{number}" / "new"))
        assert [path.name for path in (root / f"in{number}").iterdir()] == ["new"]
    assert (root / "outside").read_text() == "mine"
