# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at every system call that changes something: settled after that, the set is exactly old or exactly new."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest
from rights import Allowed, acl
from switching import World, write

from ansible_collections.toombos.incident.plugins.module_utils._rollback.transaction import settle

HERE = Path(__file__).resolve().parent
COLLECTIONS = HERE.parents[1] / ".ansible/collections"
CALLS = (
    "write pwrite64 openat rename renameat renameat2 unlink unlinkat rmdir mkdir mkdirat link linkat symlink symlinkat "
    "chmod fchmod fchmodat chown fchown lchown fchownat setxattr fsetxattr lsetxattr removexattr fremovexattr "
    "lremovexattr fsync ftruncate utimensat"
).split()
MARKER = "here-it-begins"
CASES = [(do, way) for way in ("there", "back") for do in ("apply", "undo", "finish")]
COUNTED: dict[tuple[str, str], int] = {}


def old(world: World) -> None:
    write(world / "plain", "A=old\n", 0o600)
    write(world / "goes/with", "me", 0o640)
    write(world / "one", "two names")
    os.link(world / "one", world / "other")
    os.symlink("plain", world / "link")
    os.setxattr(world / "plain", "user.note", b"old")
    os.chown(world.set, 0, 0)
    for name in ("system.posix_acl_access", "system.posix_acl_default"):
        if name in os.listxattr(world.set):
            os.removexattr(world.set, name)
    world.set.chmod(0o755)
    os.setxattr(world.set, "system.posix_acl_default", acl(user=7, group=7, other=7))
    os.utime(world.set, ns=(10**18, 10**18 + 1))


def new(world: World) -> None:
    write(world / "plain", "A=new and longer\n", 0o4750)
    os.chown(world / "plain", 1000, 1000)
    os.chmod(world / "plain", 0o4750)
    os.setxattr(world / "plain", "user.note", b"new")
    os.setxattr(world / "plain", "system.posix_acl_access", acl(user=4, group=5, other=0))
    os.chown(world.set, 1000, 1000)
    os.setxattr(world.set, "system.posix_acl_access", acl(user=5, group=5, other=0))
    write(world / "comes/deep/er", "here", 0o600)
    os.mkdir(world / "comes/empty", 0o2711)
    write(world / "one", "two names, other content")
    os.link(world / "one", world / "comes/other")
    os.symlink("nowhere", world / "link")
    os.chmod(world.set, 0o750)
    os.utime(world.set, ns=(10**18, 10**18 + 7))


class Trials:
    """The same switch again and again, each from a copy of the state that it begins with."""

    def __init__(self, world: World, way: str) -> None:
        self.world = world
        first, second = (old, new) if way == "there" else (new, old)
        self.target = world.state(second)
        self.current = world.state(first)
        subprocess.run(["cp", "-a", world.set, world.root / "template"], check=True)
        contents = world.root / "contents"
        contents.mkdir()
        for sha256, data in world.contents_by_digest.items():
            (contents / sha256).write_bytes(data)

    def order(self, do: str) -> list[str]:
        path = self.world.root / "order.json"
        path.write_text(
            json.dumps(
                {
                    "do": do,
                    "journal": str(self.world.journal),
                    "contents": str(self.world.root / "contents"),
                    "current": [asdict(each) for each in self.current],
                    "target": [asdict(each) for each in self.target],
                }
            )
        )
        return [sys.executable, "-S", "-E", "-B", str(HERE / "driver.py"), str(COLLECTIONS), str(path)]

    def reset(self) -> None:
        shutil.rmtree(self.world.set)
        shutil.rmtree(self.world.journal, ignore_errors=True)
        subprocess.run(["cp", "-a", self.world.root / "template", self.world.set], check=True)

    def points(self, do: str) -> list[tuple[str, int]]:
        """Every call of a run that is not killed which changes something, as name and number of its kind."""
        self.reset()
        log = self.world.root / "trace"
        subprocess.run(
            [os.environ["STRACE"], "-qq", "-e", f"trace={','.join(CALLS)}", "-o", log, *self.order(do)], check=True
        )
        counts: Counter[str] = Counter()
        found, begun = [], False
        for line in log.read_text().splitlines():
            name = line.partition("(")[0]
            if not re.fullmatch(r"[a-z0-9]+", name):
                continue
            counts[name] += 1
            if begun and (name != "openat" or "O_CREAT" in line):
                found.append((name, counts[name]))
            begun = begun or MARKER in line
        return found

    def killed(self, do: str, call: str, number: int) -> None:
        self.reset()
        inject = f"inject={call}:signal=SIGKILL:when={number}"
        command = [os.environ["STRACE"], "-qq", "-e", f"trace={call}", "-e", inject, "-o", "/dev/null", *self.order(do)]
        run = subprocess.run(command, check=False, capture_output=True, text=True)
        assert run.returncode in (-9, 137), f"{call} {number}: {run}"


def in_a_fresh_process(world: World) -> str:
    """What settling says there."""
    child = os.fork()
    if not child:
        try:
            (world.root / "said").write_text(settle(str(world.journal)).outcome)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    return (world.root / "said").read_text()


@pytest.mark.parametrize(("do", "way"), CASES)
def test_killed_at_any_call_it_is_exactly_old_or_exactly_new(world: World, do: str, way: str) -> None:
    """``undo`` and ``finish`` are the settling itself, killed and begun again.

    What is there after each kill was there at that moment: nobody ever has a right that neither the old nor the new
    state gives.
    """
    trials = Trials(world, way)
    points = trials.points(do)
    ends = {"apply": {"old", "new"}, "undo": {"old"}, "finish": {"new"}}[do]
    seen = set()
    allowed = Allowed(world, trials.current, trials.target)
    for call, number in points:
        trials.killed(do, call, number)
        allowed.check(f"{do} killed at {call} {number}")
        said = in_a_fresh_process(world)
        state = world.read()
        end = "old" if state == trials.current else "new" if state == trials.target else "between"
        assert end in ends, f"{do} killed at {call} {number}, {said}: {state}"
        assert {"undone": "old", "finished": "new"}.get(said, end) == end
        assert not world.leftovers(), f"{call} {number}"
        assert settle(str(world.journal)).outcome == "nothing"
        seen.add(end)
    assert seen == ends
    COUNTED[do, way] = len(points)


def test_that_were_many_calls() -> None:
    if set(COUNTED) != set(CASES):
        pytest.skip("not all of them ran, or passed")
    assert sum(COUNTED.values()) >= 200, COUNTED
