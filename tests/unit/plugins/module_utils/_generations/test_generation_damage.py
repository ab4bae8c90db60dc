# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One byte anywhere is noticed, and a kill at any moment leaves a store that verifies."""

from __future__ import annotations

import os
import random
import zlib
from pathlib import Path
from typing import Callable

import pytest
from generations_kit import proof, tree, write

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.codec import Corrupt
from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store


@pytest.fixture
def full(store: Store, etc: Path) -> Store:
    """A store with everything in it: plain and compressed contents, a list of changes, a proof, a label."""
    for number in range(12):
        write(etc / f"f{number}", f"content {number}\n")
    write(etc / "empty", b"")
    write(etc / "text", b"".join(b"%d\n" % number for number in range(5000)))
    store.keep(tree(etc))
    write(etc / "f3", "changed")
    second = store.keep(tree(etc))
    store.label(store.prove(second, proof(second.created)), "a-label")
    assert store.verify() == []
    return store


def files(store: Store) -> list[Path]:
    return [path for path in sorted(Path(store.directory).rglob("*")) if path.is_file() and path.name != "lock"]


def test_the_store_has_all_kinds_of_files(full: Store) -> None:
    names = {path.name for path in files(full)}
    assert {"000001.json", "000002.json", "000002.proof.json", "labels.json"} < names
    letters = {path.read_bytes()[:1] for path in files(full) if len(path.name) == 64}
    assert letters == {b"p", b"z"}
    assert b'"changes":"' + b'"' not in Path(full.directory, "sets/main/000002.json").read_bytes()


def test_one_flipped_byte_in_any_file_is_noticed(full: Store) -> None:
    chance = random.Random(5)
    for path in files(full):
        good = path.read_bytes()
        for at in {0, len(good) - 1, len(good) // 2, *(chance.randrange(len(good)) for _n in range(12))}:
            flipped = bytearray(good)
            flipped[at] ^= 1 << chance.randrange(8)
            path.write_bytes(flipped)
            assert full.verify(), (path, at)
        path.write_bytes(good)
    assert full.verify() == []


def test_every_flipped_bit_of_a_compressed_content_is_noticed(full: Store) -> None:
    (entry,) = [each for each in full.get("main", 1).entries if each.path.endswith("/text")]
    path = Path(full._objects.path(entry.sha256))
    good = path.read_bytes()
    for at in [*range(60), *range(60, len(good), 97), *range(len(good) - 20, len(good))]:
        for bit in range(8):
            flipped = bytearray(good)
            flipped[at] ^= 1 << bit
            path.write_bytes(flipped)
            with pytest.raises(Corrupt):
                b"".join(full.content(entry.sha256))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "a link": lambda path: (
        path.rename(f"{path.parent.parent.parent}/kept-{path.name}"),
        path.symlink_to("/etc/passwd"),
    ),
    "a fifo": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_whatever_becomes_of_a_file_is_noticed(full: Store, damage: str) -> None:
    for path in files(full):
        if damage == "gone" and path.name in ("000001.json", "000002.proof.json", "labels.json"):
            continue  # what nothing speaks of cannot be missed
        good = path.read_bytes()
        DAMAGE[damage](path)
        assert full.verify(), path
        if path.is_symlink() or path.exists():
            path.unlink()
        path.write_bytes(good)
        for leftover in Path(full.directory).rglob("kept-*"):
            leftover.unlink()
    assert full.verify() == []


def test_a_bomb_does_not_go_off(full: Store) -> None:
    (entry,) = [each for each in full.get("main", 1).entries if each.path.endswith("/text")]
    packed = zlib.compress(bytes(50_000_000))
    start = b"z %016d " % entry.size
    path = Path(full._objects.path(entry.sha256))
    path.write_bytes(start + b"%08x\n" % zlib.crc32(packed, zlib.crc32(start)) + packed)
    got: list[int] = []
    with pytest.raises(Corrupt, match="has another size"):
        got.extend(len(piece) for piece in full.content(entry.sha256))
    assert sum(got) <= entry.size


def forged(letter: bytes, size: int, data: bytes) -> bytes:
    """An object with the right checksum."""
    start = b"%s %016d " % (letter, size)
    return start + b"%08x\n" % zlib.crc32(data, zlib.crc32(start)) + data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (forged(b"p", 4, b"evil"), "has another digest"),
        (forged(b"z", 4, zlib.compress(b"evil")), "has another digest"),
        (forged(b"z", 4, zlib.compress(b"good")[:-1]), "is cut off"),
        (forged(b"z", 4, zlib.compress(b"good") + b"x"), "goes on after its end"),
        (forged(b"z", 4, b"nonsense"), "cannot be decompressed"),
        (forged(b"p", 5, b"good"), "has another size"),
        (forged(b"p", 3, b"good"), "has another size"),
        (b"p 4 good", "has no header"),
        (b"", "has no header"),
    ],
)
def test_what_has_the_right_checksum_is_not_yet_right(store: Store, etc: Path, data: bytes, why: str) -> None:
    write(etc / "it", "good")
    entry = store.keep(tree(etc)).entries[1]
    path = Path(store._objects.path(entry.sha256))
    path.write_bytes(data)
    with pytest.raises(Corrupt, match=f"the content {entry.sha256} {why}"):
        b"".join(store.content(entry.sha256))
    assert store.verify() == [
        f"the content {entry.sha256} {why}",
        f"main-000001 needs the content {entry.sha256}, which is damaged",
    ]
    if why == "has another size":
        assert store.keep(tree(etc)).number == 1
        assert store.verify() == []
    path.unlink()
    assert store.verify() == [f"main-000001 needs the content {entry.sha256}, which is gone"]


def test_strange_files_are_named(full: Store) -> None:
    places = [
        "objects/x",
        "objects/zz/y",
        "objects/00/" + "f" * 64,
        "sets/main/notes.txt",
        "sets/main/0000007.json",
        "sets/x",
    ]
    for place in places:
        write(Path(full.directory, place))
    (Path(full.directory) / "good").mkdir()  # others have their records beside ours
    problems = full.verify()
    assert len(problems) == len(places)
    for place in ("objects/x", "objects/zz", "objects/00/" + "f" * 64, "sets/main/notes.txt", "sets/main/0000007.json"):
        assert [line for line in problems if f"/{place}" in line and "is nothing of the store's" in line], place


def test_a_content_without_a_generation_is_no_damage(full: Store) -> None:
    full._objects.put("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0, ())
    full._objects.put("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", 1, (b"a",))
    assert full.verify() == []


def test_damage_is_an_error_unless_it_is_asked_for(full: Store, etc: Path) -> None:
    path = Path(full.directory, "sets/main/000001.json")
    path.write_bytes(path.read_bytes().replace(b"snapshot", b"imported"))
    with pytest.raises(IncidentError, match=r"is damaged: the record .*000001.json is not what was written.*Move what"):
        full.generations("main")
    damaged: list[str] = []
    assert [each.number for each in full.generations("main", damaged)] == [2]
    assert damaged == [f"the record {path} is not what was written"]
    with pytest.raises(Corrupt, match="000001"):
        full.get("main", 1)
    assert full.get("main", 2).labels == ("a-label",)
    with pytest.raises(IncidentError, match=r"Nothing is pruned: .*000001"):
        full.prune(keep=1)
    write(etc / "f3", "and on")
    assert full.keep(tree(etc)).number == 3  # an undo point can be kept all the same


def test_damaged_labels_and_proofs_count_for_nothing(full: Store) -> None:
    for name in ("labels.json", "000002.proof.json"):
        path = Path(full.directory, "sets/main", name)
        path.write_bytes(path.read_bytes().replace(b"main", b"mine").replace(b"a-label", b"b-label"))
    damaged: list[str] = []
    assert [(each.labels, each.proof) for each in full.generations("main", damaged)] == [((), None), ((), None)]
    assert len(damaged) == 2
    with pytest.raises(Corrupt):
        full.get("main", 2)


def test_a_manifest_under_another_number_is_noticed(full: Store) -> None:
    sets = Path(full.directory, "sets/main")
    (sets / "000003.json").write_bytes((sets / "000001.json").read_bytes())
    assert full.verify() == [f"the record {sets}/000003.json is no manifest: it is the one of main-000001"]


def test_keeping_heals_what_is_still_at_hand(full: Store, etc: Path) -> None:
    damaged = [
        path
        for path in files(full)
        if len(path.name) == 64 and path.name in {e.sha256 for e in full.get("main", 2).entries}
    ]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert len(full.verify()) >= len(damaged)
    assert full.keep(tree(etc)).number == 2
    assert full.verify() == []


def test_a_damaged_list_is_not_built_upon(full: Store, etc: Path) -> None:
    lists = {path for path in files(full) if len(path.name) == 64} - {
        Path(full._objects.path(e.sha256)) for number in (1, 2) for e in full.get("main", number).entries if e.sha256
    }
    for path in lists:
        path.write_bytes(b"")
    write(etc / "f3", "once more")
    kept = full.keep(tree(etc))
    assert full.get("main", 3) == kept
    assert full.generations("main", []) == (kept,)
