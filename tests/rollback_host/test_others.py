# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others at work on the same files: a second run, and a user who swaps directories."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from switching import World, write

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.transaction import settle

HERE = Path(__file__).resolve().parent
COLLECTIONS = HERE.parents[1] / ".ansible/collections"
ATTACKER = 1234


def test_runs_at_the_same_time(world: World) -> None:
    """One switches, the others are refused with the reason; what is there is what one of them wanted."""

    def variant(number: int) -> Callable[[World], None]:
        return lambda w: [write(w / f"{name}", f"{number}" * (name + 1)) for name in range(12)] and None

    targets = [world.state(variant(number)) for number in (1, 2, 3)]
    contents = world.root / "contents"
    contents.mkdir()
    current = world.state(variant(0))
    for sha256, data in world.contents_by_digest.items():
        (contents / sha256).write_bytes(data)
    refusals = set()
    for _round in range(5):
        current = world.read()
        runs = []
        for number, target in enumerate(targets):
            order = {"do": "apply", "journal": str(world.journal), "contents": str(contents)}
            order.update(current=[asdict(each) for each in current], target=[asdict(each) for each in target])
            path = world.root / f"order{number}"
            path.write_text(json.dumps(order))
            command = [sys.executable, "-S", "-E", "-B", str(HERE / "driver.py"), str(COLLECTIONS), str(path)]
            runs.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        said = [run.communicate()[1].strip().rpartition("\n")[2] for run in runs]
        assert world.read() in targets
        assert world.leftovers() == []
        assert any(run.returncode == 0 for run in runs), said
        refusals |= {line for run, line in zip(runs, said, strict=True) if run.returncode}
    # Somebody: who has the lock, and has not got to writing down who that is.
    reasons = ("in progress: process ", "in progress: somebody holds ", "was changed after it had been read")
    for line in refusals:
        assert any(reason in line for reason in reasons), line
    assert refusals


@pytest.fixture
def attacked(world: World) -> World:
    """The directory of the files belongs to somebody who swaps it for a link to a directory of root, and back."""
    home = world / "home"
    write(home / "conf/a", "1", 0o644)
    write(home / "conf/b", "1", 0o644)
    for path in (home, home / "conf", home / "conf/a", home / "conf/b"):
        os.chown(path, ATTACKER, ATTACKER)
    world.declare(files=["home/conf/a", "home/conf/b", "home/conf/c"])
    return world


def swap(home: Path) -> int:
    child = os.fork()
    if child:
        return child
    try:
        os.chdir(home)  # which root alone can reach
        os.setgid(ATTACKER)
        os.setuid(ATTACKER)
        os.symlink("../../victim", "link")
        while True:
            os.rename("conf", "away")
            os.rename("link", "conf")
            os.rename("conf", "link")
            os.rename("away", "conf")
            time.sleep(0.0007)
    finally:
        os._exit(1)


def test_a_user_who_swaps_the_directory_cannot_have_it_written_elsewhere(attacked: World) -> None:
    world, home = attacked, attacked / "home"
    victim = world.root / "victim"
    for name in ("a", "b"):
        write(victim / name, "of root", 0o600)
    states = [world.read()]
    for name in ("a", "c"):
        os.chown(write(home / f"conf/{name}", "2" * 5, 0o600), ATTACKER, ATTACKER)
    states.append(world.read())
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_mode) for path in victim.glob("*")}
    before[victim] = (0, victim.stat().st_mtime_ns, 0)
    attacker = swap(home)
    outcomes = []
    try:
        until = time.monotonic() + 4
        while time.monotonic() < until:
            for now, then in ((1, 0), (0, 1)):
                try:
                    with world.transaction() as transaction:
                        transaction.prepare(make_switch(states[now], states[then]), world.contents)
                        transaction.commit()
                    outcomes.append("switched")
                except IncidentError as error:
                    outcomes.append(type(error).__name__)
                try:
                    settle(str(world.journal))
                except IncidentError:
                    outcomes.append("later")
    finally:
        os.kill(attacker, signal.SIGKILL)
        os.waitpid(attacker, 0)
    after = {path: (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_mode) for path in victim.glob("*")}
    after[victim] = (0, victim.stat().st_mtime_ns, 0)
    assert after == before
    assert {path.read_text() for path in victim.iterdir()} == {"of root"}
    assert len(set(outcomes)) > 1, "nothing was disturbed"
