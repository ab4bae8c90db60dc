# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real repositories, and services that are as a test says."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import Any, Iterable

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._process.account import find_account
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Assessment, Recovery
from ansible_collections.toombos.incident.plugins.module_utils._release import journal as j
from ansible_collections.toombos.incident.plugins.module_utils._release.call import put_in_place
from ansible_collections.toombos.incident.plugins.module_utils._release.git import GitReleases
from ansible_collections.toombos.incident.plugins.module_utils._release.rollback import Tools
from ansible_collections.toombos.incident.plugins.module_utils._release.run import Runner
from ansible_collections.toombos.incident.plugins.module_utils._release.spec import meaning_of, parse_code
from ansible_collections.toombos.incident.plugins.module_utils._release.symlink import LinkReleases

_WHO = ["-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false"]
_ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


class Repo:
    """A repository with a working tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *args: str, tree: str = "") -> str:
        command = ["git", *_WHO, "-c", "protocol.file.allow=always", *args]
        done = subprocess.run(command, cwd=self.path / tree, env=_ENVIRONMENT, check=True, capture_output=True)
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)

    def commit(self, message: str, files: dict[str, str]) -> str:
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        self.git("tag", message)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def status(self) -> str:
        return self.git("status", "--porcelain=v2", "--branch", "--untracked-files=all", "--ignored")

    def files(self) -> dict[bytes, tuple[int, bytes]]:
        """Name → mode and content of everything in the tree."""
        found = {}
        for folder, folders, names in os.walk(os.fsencode(self.path)):
            folders[:] = [name for name in folders if name != b".git"]
            for name in names:
                path = os.path.join(folder, name)
                mode = os.lstat(path).st_mode
                if stat.S_ISLNK(mode):
                    content = os.readlink(path)
                else:
                    with open(path, "rb") as file:
                        content = file.read()
                if name != b".git":
                    found[os.path.relpath(path, os.fsencode(self.path))] = (mode, content)
        return found


class FakeServices:
    """Services whose health is a function of the application's tree. ``restarts``: of each recovery, whether forced."""

    names = ("main",)

    def __init__(self, healthy: Any = lambda: True) -> None:
        self.healthy = healthy
        self.restarts: list[bool] = []
        self.checked = 0
        self.overrides: list[str] = []
        self.on_check: Any = lambda: None

    def insist_on_being_free(self) -> None: ...

    def enter(self, seconds: float) -> None: ...

    def leave(self) -> None: ...

    def check(self) -> None:
        self.checked += 1
        self.on_check()

    def assess(self) -> Assessment:
        condition = t.HEALTHY if self.healthy() else t.FAILING
        return Assessment(self.names, t.HostView({}, ()), {"main": t.Diagnosis("main", condition, "")}, t.Plan(()))

    def recover(self, force: bool) -> Recovery:
        self.restarts.append(force)
        now = self.assess()
        return Recovery(now, now)

    def report(self, first: Assessment, last: Any, *, applied: bool) -> dict[str, Any]:
        return {"recovered": (last.after if last else first).healthy, "msg": "said"}


class World:
    """What a rollback works with. ``store``: its directory."""

    def __init__(self, home: Path, code: dict[str, Any], services: Any = None) -> None:
        self.store = home / "store"
        self.spec = parse_code(code)
        self.services = services or FakeServices()
        self.journal = j.Journal(str(self.store), self.spec.path)

    def run(self, ref: str = "last_known_good", fetch: bool = False, patience: float = 30.0) -> dict[str, Any]:
        """A whole run, as the module does it."""
        with self.journal.held(patience, Clock()) as lock:
            return put_in_place(self.tools(lock, fetch), meaning_of(ref, self.spec))

    def tools(self, lock: int | None = None, fetch: bool = False) -> Tools:
        runner = Runner(find_account(None), lock)
        kind: Any = GitReleases if self.spec.kind == "git" else LinkReleases
        return Tools(
            self.spec,
            kind(self.spec, runner),
            runner,
            self.services,
            self.journal,
            Clock(),
            str(self.store),
            "a test",
            fetch,
        )

    def preserved(self) -> list[str]:
        """What is kept, by its names."""
        place = self.store / "preserved"
        return sorted(os.listdir(place)) if place.exists() else []


def lines(items: Iterable[dict[str, Any]], key: str) -> list[Any]:
    """One value of each."""
    return [item[key] for item in items]
