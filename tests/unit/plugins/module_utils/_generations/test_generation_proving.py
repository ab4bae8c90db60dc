# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing but a proof makes a generation good, and a proof that proves nothing is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from generations_kit import proof, snapshot, tree, write

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations import types as t
from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store


@pytest.fixture
def kept(store: Store, etc: Path) -> t.Generation:
    """A generation that is not proven."""
    write(etc / ".env", mtime_ns=10**18)
    return store.keep(tree(etc))


def test_a_proof_comes_back_and_the_first_one_stays(store: Store, kept: t.Generation) -> None:
    given = proof(kept.created)
    manifest = Path(store.directory, "sets/main/000001.json").read_bytes()
    assert kept.proof is None
    assert store.prove(kept, given) == replace(kept, proof=given)
    assert store.get("main", 1).proof == given
    before = snapshot(Path(store.directory))
    assert store.prove(kept, proof(kept.created + 10, rounds=9)).proof == given
    assert snapshot(Path(store.directory)) == before
    assert Path(store.directory, "sets/main/000001.json").read_bytes() == manifest
    assert store.verify() == []


def test_the_generation_stays_good_when_it_is_kept_again(store: Store, kept: t.Generation, etc: Path) -> None:
    store.prove(kept, proof(kept.created))
    assert store.keep(tree(etc)).proof == proof(kept.created)


_FAILED = ({"service": "main", "probe": "live", "status": "fail"},)


@pytest.mark.parametrize(
    ("changes", "rounds", "why"),
    [
        ({"rounds": 2}, 3, "2 rounds of probes have passed, 3 are asked for"),
        ({"rounds": 0}, 0, "0 rounds of probes have passed, 1 are asked for"),
        ({"checks": ()}, 3, "no probe was asked"),
        ({"checks": _FAILED}, 3, "main/live is fail"),
        ({"last": 0.0}, 3, "its last round is before the first"),
        ({"first": -1.0}, 3, "the first round was at .*, and the set was kept at .* only"),
        ({"services": {"main": 0.9e9}}, 3, "main was started before .*/.env was last changed, at 2001-09-09T01:46:40Z"),
    ],
)
def test_a_proof_that_proves_nothing_is_refused(
    store: Store, kept: t.Generation, changes: dict[str, Any], rounds: int, why: str
) -> None:
    if "first" in changes:
        changes = {"first": kept.created - 0.5}
    with pytest.raises(IncidentError, match=rf"main-000001 is not proven: {why}"):
        store.prove(kept, replace(proof(kept.created), **changes), rounds=rounds)
    assert store.get("main", 1).proof is None
    assert not os.path.exists(f"{store.directory}/sets/main/000001.proof.json")


def test_what_was_imported_is_never_proven(store: Store, etc: Path) -> None:
    write(etc / ".env")
    kept = store.keep(tree(etc), origin=t.IMPORTED)
    with pytest.raises(IncidentError, match="it was imported"):
        store.prove(kept, proof(kept.created))


def test_what_the_caller_says_of_the_generation_does_not_count(store: Store, kept: t.Generation) -> None:
    with pytest.raises(IncidentError, match="only"):
        store.prove(replace(kept, created=0.0), proof(kept.created - 100))


def test_the_proof_of_one_generation_is_none_for_another(store: Store, kept: t.Generation, etc: Path) -> None:
    store.prove(kept, proof(kept.created))
    write(etc / ".env", "changed", mtime_ns=10**18)
    store.keep(tree(etc))
    sets = Path(store.directory, "sets/main")
    (sets / "000002.proof.json").write_bytes((sets / "000001.proof.json").read_bytes())
    damaged: list[str] = []
    assert [each.proof is None for each in store.generations("main", damaged)] == [False, True]
    assert damaged == [f"the record {sets}/000002.proof.json proves something else"]
    assert store.verify() == damaged
