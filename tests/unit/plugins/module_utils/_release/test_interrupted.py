# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed at any moment, a rollback leaves what the next run turns into exactly the old tree, or exactly the new one."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest
from release_world import FakeServices, Repo, World
from test_git import make_dirty
from test_submodules import add_submodule

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.module_utils._release import journal as j, rollback as r
from ansible_collections.toombos.incident.plugins.module_utils._release.git import GitReleases
from ansible_collections.toombos.incident.plugins.module_utils._release.rollback import Rollback

TRIALS = int(os.environ.get("RELEASE_TRIALS", "12"))


def killed_after(seconds: float, made: World, *, with_git: bool) -> float:
    """Run it in a process that gets SIGKILL so long after it has written its journal, unless it has ended by then.

    ``with_git``: so do the programs that it has started; else they live on. Returns how long it ran with its journal.
    """
    pid = os.fork()
    if pid == 0:
        try:
            made.run()
        finally:
            os._exit(0)
    while not os.path.exists(made.journal.file):
        time.sleep(0.001)
    began = time.monotonic()
    while time.monotonic() < began + seconds and os.path.exists(made.journal.file):
        time.sleep(0.001)
    table = read_table().processes
    os.kill(pid, signal.SIGKILL)
    below = {pid}
    for process in table.values():  # ascending: parents first, as pids do not wrap within a test
        if process.ppid in below:
            below.add(process.pid)
    for each in below - {pid} if with_git else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    os.waitpid(pid, 0)
    return time.monotonic() - began


def settle(made: World) -> bool:
    with made.journal.held(30, Clock()) as lock:
        return Rollback(made.tools(lock)).settle()


@pytest.mark.no_cover
@pytest.mark.once
def test_killed_at_random_moments(repo: Repo, tmp_path: Path) -> None:
    repo.write({f"many/{number}.txt": f"{number}\n" * 50 for number in range(200)})
    repo.git("add", "many")
    repo.commit("v3", {"app.py": "three\n"})
    add_submodule(repo, tmp_path)
    make_dirty(repo)
    dice = random.Random(5)
    length = 0.0
    interrupted = 0
    for trial in range(TRIALS + 1):
        home = tmp_path / str(trial)
        shutil.copytree(repo.path, home / "app", symlinks=True)
        here = Repo.__new__(Repo)
        here.path = home / "app"
        here.git("status")
        code = {"kind": "git", "path": str(here.path), "deploy": ["sleep", "0.1"]}
        made = World(home, code)
        before, status = here.files(), here.status()
        if trial == 0:
            length = killed_after(60, made, with_git=False)
            continue
        lasted = killed_after(dice.uniform(0, length), made, with_git=bool(trial % 2))
        unfinished = made.journal.read() is not None
        interrupted += unfinished
        if not unfinished:  # the first one took longer, beside other work
            length = min(length, lasted)
        assert settle(made) == unfinished
        if unfinished or here.head == here.git("rev-parse", "main"):
            assert here.files() == before
            assert here.status() == status
        if trial % 3:
            continue
        result = made.run()
        assert result["outcome"] in ("applied", "unchanged")
        assert here.head == here.git("rev-parse", "last-known-good-tag")
        assert here.git("diff", "HEAD", "--ignore-submodules=none") == ""
        assert not (here.path / "many").exists()
        for name in (b".env", b"x.log", b"bytes-\xff", b"run.sh"):
            assert here.files()[name] == before[name]
    assert interrupted >= TRIALS // 4, "many moments lie between the first and the last step"


class Killed(BaseException):
    """Stands for SIGKILL at a place that a clock does not hit."""


PLACES = [
    (r.Rollback, "_forward"),
    (j.Journal, "clear"),
    (r.Rollback, "_judge"),
    (r.Rollback, "_back"),
]


@pytest.mark.no_cover
@pytest.mark.once
@pytest.mark.parametrize(("where", "name"), PLACES)
@pytest.mark.parametrize("late", [False, True])
def test_stopped_before_or_after_each_step(
    repo: Repo, world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, where: type, name: str, late: bool
) -> None:
    make_dirty(repo)
    before, status = repo.files(), repo.status()
    made = world(deploy=["true"])
    made.services.healthy = lambda: name != "_back" or (repo.path / "app.py").read_text() != "one\n"
    real = getattr(where, name)

    def stop(*args: Any, **kwargs: Any) -> None:
        if late:
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(where, name, stop)
        with pytest.raises(Killed):
            made.run()
    finished = late and name in ("clear", "_back")
    assert settle(made) is not finished
    if name != "clear" or not late:
        assert (repo.files(), repo.status()) == (before, status)
    made.services = FakeServices()
    assert made.run()["outcome"] in ("applied", "unchanged")


def test_a_settled_rollback_restarts_what_may_run_on_the_abandoned_release(
    repo: Repo, world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world()
    monkeypatch.setattr(r.Rollback, "_judge", lambda *_args, **_kwargs: (each for each in ()).throw(Killed))
    with pytest.raises(Killed):
        made.run()
    result = made.run("v2")
    assert (result["outcome"], result["changed"], made.services.restarts) == ("applied", True, [True])


def test_the_hook_of_a_killed_run_is_ended_before_anything_else(
    repo: Repo, world: Callable[..., World], tmp_path: Path
) -> None:
    made = world(deploy=["sh", "-c", f"echo $$ >> {tmp_path}/hook; if grep -q one app.py; then sleep 60; fi"])
    killed_when = tmp_path / "hook"
    pid = os.fork()
    if pid == 0:
        try:
            made.run()
        finally:
            os._exit(0)
    end = time.monotonic() + 30
    while not (killed_when.exists() and killed_when.read_text().endswith("\n")) and time.monotonic() < end:
        time.sleep(0.01)
    hook = int(killed_when.read_text())
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    stat = read_stat(hook)
    assert stat is not None
    assert not stat.gone
    began = time.monotonic()
    assert settle(made) is True
    assert time.monotonic() - began < 20
    after = read_stat(hook)
    assert after is None or after.gone or after.start != stat.start
    assert (repo.path / "app.py").read_text() == "two\n"
    assert len(killed_when.read_text().split()) == 2, "it was run for the release that is back"


def test_a_stranger_with_the_pid_of_the_hook_is_left_alone(repo: Repo, world: Callable[..., World]) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        made = world(deploy=["false"])
        made.run()
        entry = made.journal.read()
        assert entry is not None
        made.journal.write(replace(entry, hook={"pid": stranger.pid, "start": 1}))
        settle(made)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_git_that_was_killed_half_way_leaves_nothing_of_the_new_release(
    repo: Repo, world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it looks when git dies between its first file and its index: files of both, a lock, HEAD where it was."""
    make_dirty(repo)
    before, status = repo.files(), repo.status()
    made = world()

    def die(*_args: object, **_options: object) -> None:
        repo.write({"app.py": "one\n", "old.txt": "half of wh"})
        shutil.rmtree(repo.path / "new", ignore_errors=True)
        (repo.path / ".git" / "index.lock").write_bytes(b"DIRC")
        (repo.path / ".git" / "HEAD.lock").write_bytes(b"")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(GitReleases, "switch", die)
        with pytest.raises(Killed):
            made.run()
    assert settle(made) is True
    assert (repo.files(), repo.status()) == (before, status)
    assert not list((repo.path / ".git").glob("*.lock"))
