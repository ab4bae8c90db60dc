# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kill at any moment leaves a store that verifies: what is in it is whole, and what was in it still is."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from generations_kit import proof, tree, write

from ansible_collections.toombos.incident.plugins.module_utils._generations import types as t
from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store

CALLS = ("open", "fsync", "replace", "unlink", "mkdir", "rmdir", "fchmod", "pwrite", "ftruncate")


def work(store: Store, etc: Path, number: int) -> None:
    """Everything that writes to a store."""
    for name in range(2):
        write(etc / f"f{name}", f"{number} {name}" * (900 if name % 2 else 1))
    kept = store.keep(tree(etc))
    store.prove(kept, proof(kept.created, services={}))
    store.label(kept, "latest", move=True)
    store.prune(keep=2)


def in_a_child(function: Callable[[], object]) -> int:
    """The signal that ended it, or 0."""
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            function()
            os._exit(0)
        os._exit(1)
    _pid, status = os.waitpid(child, 0)
    assert not os.WIFEXITED(status) or not os.WEXITSTATUS(status), "the child has failed"
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def deadly(point: int, after: bool) -> None:
    """Kill this process before, or after, its so many-th call that may change a file system."""
    left = [point]
    os_open = os.open
    os.fsync = lambda _descriptor: None  # a kill takes nothing from the disk that is not on it yet

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if original is os_open and not arguments[1] & os.O_CREAT:
                return original(*arguments, **options)
            left[0] -= 1
            if not left[0] and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return original(*arguments, **options)
            finally:
                if not left[0] and after:
                    os.kill(os.getpid(), signal.SIGKILL)

        return call

    for name in CALLS:
        setattr(os, name, wrap(getattr(os, name)))


def check(store: Store, known: dict[int, t.Generation]) -> None:
    """All is whole, and what was known and is still there is as it was."""
    assert store.verify() == []
    for each in store.generations("main"):
        before = known.setdefault(each.number, each)
        assert (each.entries, each.created) == (before.entries, before.created)
        for entry in each.entries:
            if entry.kind == t.FILE:
                assert sum(len(piece) for piece in store.content(entry.sha256)) == entry.size


@pytest.mark.no_cover
@pytest.mark.once
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_each_call_leaves_a_store_that_verifies(store: Store, etc: Path, after: bool) -> None:
    known: dict[int, t.Generation] = {}
    point, killed = 0, True
    while killed:
        point += 1
        killed = bool(in_a_child(lambda: (deadly(point, after), work(store, etc, point))))  # noqa: B023 - at once
        check(store, known)
    assert point > 30
    assert len(store.generations("main")) <= 4
    store.prune(keep=1)
    assert list(Path(store.directory).rglob(".*")) == []
    assert [each.labels for each in store.generations("main")][-1] == ("latest",)


@pytest.mark.no_cover
@pytest.mark.once
def test_a_kill_at_any_moment_leaves_a_store_that_verifies(store: Store, etc: Path) -> None:
    chance = random.Random(3)
    known: dict[int, t.Generation] = {}
    for round_number in range(50):

        def on_and_on() -> None:
            number = round_number * 1000  # noqa: B023 - called at once
            while True:
                number += 1
                work(store, etc, number)

        child = os.fork()
        if not child:
            os.fsync = lambda _descriptor: None
            with contextlib.suppress(BaseException):
                on_and_on()
            os._exit(1)
        time.sleep(chance.random() * 0.1)
        os.kill(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the child has failed"
        check(store, known)
    assert len(known) > 3, "some had the time to be made"
