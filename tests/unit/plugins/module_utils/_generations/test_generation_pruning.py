# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody may still want stays; what nobody needs goes; and a month of small changes costs little."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest
from generations_kit import generation, proof, snapshot, tree, write

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.codec import Corrupt
from ansible_collections.toombos.incident.plugins.module_utils._generations.pruning import Policy, surplus
from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store

DAY = 86400.0
TEN = tuple(generation(number, number * DAY) for number in range(1, 11))


@pytest.mark.parametrize(
    ("keep", "keep_days", "held", "changes", "stays"),
    [
        (30, 0, (), {}, range(1, 11)),
        (3, 0, (), {}, (8, 9, 10)),
        (1, 0, (), {}, (10,)),
        (0, 0, (), {}, (10,)),
        (-5, 0, (), {}, (10,)),
        (2, 5, (), {}, (6, 7, 8, 9, 10)),
        (7, 5, (), {}, (4, 5, 6, 7, 8, 9, 10)),
        (1, 0, ("main-000004",), {}, (4, 10)),
        (1, 0, ("other-000004",), {}, (10,)),
        (1, 0, (), {2: {"labels": ("a",)}}, (2, 10)),
        (1, 0, (), {2: {"proof": proof(1)}, 3: {"proof": proof(1)}, 5: {"proof": proof(1)}}, (3, 5, 10)),
        (1, 0, (), {10: {"created": 0.5}}, (9, 10)),  # by time, and the last number in any case
    ],
)
def test_what_stays(keep: int, keep_days: float, held: tuple, changes: dict, stays: tuple) -> None:
    there = [replace(each, **changes.get(each.number, {})) for each in TEN]
    gone = [each.number for each in surplus(there, Policy(keep, keep_days, frozenset(held), 10.5 * DAY))]
    assert gone == sorted(gone, key=lambda number: (there[number - 1].created, number))
    assert sorted(set(range(1, 11)) - set(gone)) == list(stays)


def test_nothing_of_nothing() -> None:
    assert surplus((), Policy(3, 0, frozenset(), 0.0)) == ()


def test_what_goes_takes_its_contents_along(store: Store, etc: Path) -> None:
    write(etc / "same", b"never changes\n")
    for number in range(8):
        write(etc / ".env", f"number {number}")
        store.keep(tree(etc))
    store.keep(tree(etc, "other"))
    store.label(store.get("main", 2), "mine")
    done = store.prune(keep=2)
    assert done.generations == tuple(f"main-{number:06d}" for number in (1, 3, 4, 5, 6))
    assert [each.number for each in store.generations("main")] == [2, 7, 8]
    assert done.contents >= 5
    assert done.size >= 5 * 4096
    assert store.verify() == []
    for each in store.generations("main"):
        for entry in each.entries:
            if entry.sha256:
                b"".join(store.content(entry.sha256))
    with pytest.raises(Corrupt):
        b"".join(store.content("0" * 64))
    before = snapshot(Path(store.directory))
    assert store.prune(keep=2).generations == ()
    assert snapshot(Path(store.directory)) == before
    write(etc / ".env", "and on")
    assert store.keep(tree(etc)).number == 9


def test_what_a_killed_writer_has_left_goes_and_what_is_not_ours_stays(store: Store, etc: Path) -> None:
    write(etc / ".env")
    entry = store.keep(tree(etc)).entries[1]
    folder = Path(store.directory, "objects", entry.sha256[:2])
    left = [folder / ".new-0011", Path(store.directory, "sets/main/.000002.json.00ff")]
    strange = [Path(store.directory, "objects/x"), folder / "y", Path(store.directory, "good/main.json")]
    for path in (*left, *strange):
        write(path)
    store.prune()
    assert [path.exists() for path in (*left, *strange)] == [False, False, True, True, True]


def test_a_store_that_is_damaged_loses_nothing(store: Store, etc: Path) -> None:
    for number in range(4):
        write(etc / ".env", f"number {number}")
        store.keep(tree(etc))
    base = max((path for path in Path(store.directory, "objects").rglob("*") if path.is_file()), key=os.path.getsize)
    assert b'"path"' in base.read_bytes()
    base.write_bytes(b"")
    before = snapshot(Path(store.directory))
    with pytest.raises(IncidentError, match=r"Nothing is pruned: the content .* has no header"):
        store.prune(keep=1)
    assert snapshot(Path(store.directory)) == before


def blocks(path: Path) -> int:
    """Bytes on the disk of everything below, directories as well."""
    return sum(os.lstat(each).st_blocks * 512 for each in (path, *path.rglob("*")))


@pytest.mark.no_cover
@pytest.mark.once
def test_a_month_of_small_changes_costs_half_a_generation_at_most(
    store: Store, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # a minute, on some disks
    chance = random.Random(7)
    for number in range(400):
        write(
            etc / f"d{number % 30}" / f"f{number:04d}.conf", f"NAME_{number}={chance.random()}\n" * 20, mtime_ns=number
        )
    store.keep(tree(etc))
    one = blocks(Path(store.directory))
    for day in range(1, 30):
        for number in chance.sample(range(400), 4):
            write(
                etc / f"d{number % 30}" / f"f{number:04d}.conf", f"NAME_{number}={chance.random()}\n" * 20, mtime_ns=day
            )
        store.keep(tree(etc))
    assert len(store.generations("main")) == 30
    grown = blocks(Path(store.directory)) / one
    assert grown <= 1.5, grown
    print(f"30 generations take {grown:.2f} times what one takes")
