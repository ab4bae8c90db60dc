# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of git with submodules: switched with them, kept when dirty, put back, and never fetched unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
from release_world import Repo, World

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

Make = Callable[..., World]


def add_submodule(repo: Repo, home: Path) -> Repo:
    """A submodule ``lib`` in two versions: the older one is in the last known good."""
    lib = Repo(home / "lib")
    first = lib.commit("lib1", {"lib.py": "one\n", "only-old.py": "x\n"})
    lib.git("rm", "-q", "only-old.py")
    lib.commit("lib2", {"lib.py": "two\n", "only-new.py": "x\n"})
    branch = repo.git("symbolic-ref", "--short", "HEAD")
    repo.git("checkout", "-q", "--detach", "v1")
    repo.git("submodule", "--quiet", "add", str(lib.path), "lib")
    repo.git("checkout", "-q", first, tree="lib")
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "v1 with lib")
    repo.git("tag", "-f", "last-known-good-tag")
    repo.git("checkout", "-q", branch)
    repo.git("checkout", "-q", "last-known-good-tag", "--", ".gitmodules", "lib")
    repo.git("checkout", "-q", "lib2", tree="lib")
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "new with lib")
    return lib


@pytest.mark.once
def test_they_are_switched_and_put_back_with_what_was_not_committed(repo: Repo, world: Make, tmp_path: Path) -> None:
    add_submodule(repo, tmp_path)
    repo.git("checkout", "-q", "-b", "work", tree="lib")
    repo.write({"lib/lib.py": "edited\n", "lib/note.txt": "untracked\n"})
    before, status = repo.files(), repo.status()
    made = world()
    made.services.healthy = lambda: (repo.path / "app.py").read_text() != "one\n"
    result = made.run()
    assert result["outcome"] == "rolled_back"
    assert (repo.files(), repo.status()) == (before, status)
    assert repo.git("symbolic-ref", "HEAD", tree="lib") == "refs/heads/work"
    made.services.healthy = lambda: True
    result = made.run()
    assert result["outcome"] == "applied"
    assert result["before"]["submodules"] == [
        {"path": "lib", "commit": repo.git("rev-parse", "lib2", tree="lib"), "dirty": True}
    ]
    assert (repo.path / "lib" / "lib.py").read_text() == "one\n"
    assert (repo.path / "lib" / "only-old.py").exists()
    assert not (repo.path / "lib" / "only-new.py").exists()
    assert (repo.path / "lib" / "note.txt").exists()
    assert "+edited" in (Path(result["preserved"]["path"]) / "changes-1.patch").read_text()
    assert made.run()["outcome"] == "unchanged"


def test_one_that_is_not_here_is_refused_before_anything_is_done(repo: Repo, world: Make, tmp_path: Path) -> None:
    lib = add_submodule(repo, tmp_path)
    there = lib.commit("lib3", {"lib.py": "three\n"})
    repo.git("update-index", "--cacheinfo", f"160000,{there},lib")
    repo.git("commit", "-q", "-m", "wants lib3")
    repo.git("tag", "wants-lib3")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    before = repo.files()
    made = world()
    with pytest.raises(IncidentError, match="submodule lib of it is not here"):
        made.run("wants-lib3")
    assert repo.files() == before
    repo.git("config", "protocol.file.allow", "always", tree="lib")
    assert made.run("wants-lib3", fetch=True)["outcome"] == "applied"
    assert (repo.path / "lib" / "lib.py").read_text() == "three\n"


def test_the_configuration_cannot_make_it_run_something(repo: Repo, world: Make, tmp_path: Path) -> None:
    add_submodule(repo, tmp_path)
    repo.git("config", "submodule.lib.update", f"!touch {tmp_path}/sprung")
    assert world().run()["outcome"] == "applied"
    assert (repo.path / "lib" / "lib.py").read_text() == "one\n"
    assert not (tmp_path / "sprung").exists()


def test_one_that_nobody_wants_here_stays_away(repo: Repo, world: Make, tmp_path: Path) -> None:
    add_submodule(repo, tmp_path)
    repo.git("submodule", "--quiet", "deinit", "-f", "lib")
    assert world().run()["outcome"] == "applied"
    assert list((repo.path / "lib").iterdir()) == []


def test_they_may_be_left_out(repo: Repo, world: Make, tmp_path: Path) -> None:
    add_submodule(repo, tmp_path)
    assert world(submodules=False).run()["outcome"] == "applied"
    assert (repo.path / "lib" / "lib.py").read_text() == "two\n"
