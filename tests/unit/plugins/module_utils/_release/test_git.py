# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of git: real repositories, dirty, with submodules, with somebody hostile in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from release_world import FakeServices, Repo, World, lines

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._release import rollback

Make = Callable[..., World]


def make_dirty(repo: Repo) -> None:
    """Everything that a tree can be besides clean."""
    repo.write({"app.py": "edited by hand\n", "staged.txt": "staged\n", ".env": "SECRET=1\n", "x.log": "log\n"})
    repo.git("add", "staged.txt")
    (repo.path / "same.bin").write_bytes(bytes(range(256)))
    (repo.path / "new" / "deep.txt").unlink()
    (repo.path / "with space\nand line").write_text("odd\n")
    with open(os.fsencode(repo.path) + b"/bytes-\xff", "wb") as file:
        file.write(b"\xff\0")
    os.symlink("nowhere", repo.path / "dangling")
    (repo.path / "run.sh").write_text("#!/bin/sh\n")
    (repo.path / "run.sh").chmod(0o750)
    (repo.path / ".gitignore").chmod(0o755)
    (repo.path / "venv").mkdir()
    (repo.path / "venv" / "lib.py").write_text("library\n")


def test_it_returns_to_the_last_known_good(repo: Repo, world: Make) -> None:
    made = world()
    result = made.run()
    assert (result["outcome"], result["changed"]) == ("applied", True)
    assert repo.head == repo.git("rev-parse", "v1")
    assert (repo.path / "app.py").read_text() == "one\n"
    assert (repo.path / "old.txt").exists()
    assert not (repo.path / "new").exists()
    assert repo.git("status", "--porcelain") == ""
    assert result["before"]["branch"] == "main"
    assert (result["before"]["tags"], result["before"]["detached"]) == (["v2"], False)
    assert result["current"]["detached"] is True
    assert made.services.restarts == [True]
    assert made.preserved() == [], "a clean tree leaves nothing behind"
    assert made.journal.read() is None


def test_what_is_in_place_already_is_not_deployed_again(repo: Repo, world: Make) -> None:
    made = world(deploy=["sh", "-c", "echo deployed >> x.log"])
    assert lines(made.run()["deploys"], "rc") == [0]
    before = repo.files()
    again = made.run()
    assert (again["outcome"], again["changed"], again["plan"], again["diff"]) == ("unchanged", False, [], {})
    assert repo.files() == before
    assert made.services.restarts == [True]


def test_an_edit_at_the_wanted_commit_is_not_in_place(repo: Repo, world: Make) -> None:
    made = world()
    made.run()
    (repo.path / "app.py").write_text("hot fix\n")
    result = made.run()
    assert result["outcome"] == "applied"
    assert (repo.path / "app.py").read_text() == "one\n"
    patch = (Path(result["preserved"]["path"]) / "changes-0.patch").read_text()
    assert "+hot fix" in patch


def test_a_dirty_tree_is_kept_and_what_git_ignores_is_not_touched(repo: Repo, world: Make, tmp_path: Path) -> None:
    make_dirty(repo)
    dirty = repo.files()
    result = world().run()
    assert result["outcome"] == "applied"
    after = repo.files()
    assert after[b"app.py"][1] == b"one\n"
    for name in (b".env", b"x.log", b"venv/lib.py", b"bytes-\xff", b"with space\nand line", b"dangling", b"run.sh"):
        assert after[name] == dirty[name]
    place = Path(result["preserved"]["path"])
    assert os.stat(place).st_mode & 0o777 == 0o700
    with tarfile.open(place / "files.tar") as archive:
        kept = {os.fsencode(name[5:]) for name in archive.getnames() if name.startswith("tree/")}
    assert kept == {
        b"app.py", b"same.bin", b"staged.txt", b"with space\nand line", b"bytes-\xff", b"dangling",
        b"run.sh", b".gitignore",
    }  # fmt: skip
    manifest = json.loads((place / "manifest.json").read_text())
    assert manifest["gone"] == ["new/deep.txt"]
    assert len(result["preserved"]["digest"]) == 64
    # The patch alone gives what was tracked, on a fresh tree.
    copy = tmp_path / "copy"
    subprocess.run(["git", "clone", "-q", str(repo.path), str(copy)], check=True)
    subprocess.run(["git", "checkout", "-q", "v2"], cwd=copy, check=True)
    subprocess.run(["git", "apply", "--binary", str(place / "changes-0.patch")], cwd=copy, check=True)
    assert (copy / "same.bin").read_bytes() == bytes(range(256))
    assert (copy / "app.py").read_text() == "edited by hand\n"
    assert not (copy / "new" / "deep.txt").exists()


def test_worse_after_means_back_to_exactly_what_was_there(repo: Repo, world: Make) -> None:
    make_dirty(repo)
    repo.git("update-index", "--assume-unchanged", ".gitignore")
    (repo.path / ".gitignore").write_text("*.log\n.env\n/venv/\n# hidden edit\n")
    before, status = repo.files(), repo.status()
    made = world()
    made.services.healthy = lambda: (repo.path / "app.py").read_text() != "one\n"
    result = made.run()
    assert result["outcome"] == "rolled_back"
    assert "with last-known-good-tag" in result["msg"]
    assert repo.files() == before
    assert repo.status() == status
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert made.services.restarts == [True, True]
    assert made.journal.read() is None


def test_as_sick_as_before_is_no_reason_to_stay(repo: Repo, world: Make) -> None:
    made = world()
    made.services.healthy = lambda: False
    assert made.run()["outcome"] == "rolled_back"
    assert repo.head == repo.git("rev-parse", "main")


def test_better_than_before_is_not_undone(repo: Repo, world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world()
    made.services.healthy = lambda: False
    monkeypatch.setattr(rollback, "is_better", lambda _before, _after: True)
    result = made.run()
    assert (result["outcome"], result["recovered"]) == ("applied", False)
    assert "better than before, but not healthy" in result["msg"]


@pytest.mark.parametrize(("script", "says"), [("echo token=geheim-1; exit 7", "rc 7"), ("sleep 60", "in time")])
def test_a_hook_that_fails_or_hangs_leads_back_with_its_own_run(
    repo: Repo, world: Make, script: str, says: str
) -> None:
    hook = f'if grep -q one app.py; then {script}; else echo "back $INCIDENT_RELEASE"; fi'
    made = world(deploy=["sh", "-c", hook], deploy_timeout="1s")
    result = made.run()
    assert result["outcome"] == "rolled_back"
    assert says in result["msg"]
    assert "geheim" not in json.dumps(result)
    assert lines(result["deploys"], "rc")[1:] == [0]
    assert result["deploys"][1]["output"].startswith("back v2 (")
    assert (repo.path / "app.py").read_text() == "two\n"


def test_a_hook_that_fails_both_ways_is_a_failed_rollback(repo: Repo, world: Make) -> None:
    made = world(deploy=["false"])
    result = made.run()
    assert result["outcome"] == "rollback_failed"
    assert (repo.path / "app.py").read_text() == "two\n"
    assert made.journal.read() is not None, "the next run begins with it"


@pytest.mark.parametrize("ref", ["v1", "last-known-good-tag", "main~1", "previous"])
def test_references(repo: Repo, world: Make, ref: str) -> None:
    first = repo.git("rev-parse", "v1")
    result = world().run(ref)
    assert (result["target"]["id"], repo.head) == (first, first)


def test_a_commit_and_back_by_previous(repo: Repo, world: Make) -> None:
    second, first = repo.head, repo.git("rev-parse", "v1")
    assert world().run(first)["outcome"] == "applied"
    assert world().run("previous")["target"]["id"] == second
    assert repo.head == second


def test_what_is_not_here_is_refused_with_the_tags_that_are(repo: Repo, world: Make) -> None:
    repo.git("tag", "release-2026-11")
    before = repo.files()
    with pytest.raises(IncidentError) as refused:
        world().run("release-2026-12")
    assert "release-2026-11" in str(refused.value)
    assert "was not allowed" in str(refused.value)
    repo.git("remote", "add", "origin", "/does/not/exist")
    with pytest.raises(IncidentError, match="origin could not be asked"):
        world().run("release-2026-12", fetch=True)
    assert repo.files() == before


def test_what_is_not_here_is_fetched_where_that_is_allowed(repo: Repo, world: Make, tmp_path: Path) -> None:
    there = tmp_path / "there"
    subprocess.run(["git", "clone", "-q", str(repo.path), str(there)], check=True)
    repo.commit("v3", {"app.py": "three\n"})
    made = World(tmp_path, {"kind": "git", "path": str(there)})
    target = made.tools(fetch=True).releases.find("v3", fetch=True, rehearse=True)
    assert (target.id, target.known) == (repo.head, False)
    with pytest.raises(IncidentError, match="not allowed"):
        made.run("v3")
    assert made.run("v3", fetch=True)["outcome"] == "applied"
    assert (there / "app.py").read_text() == "three\n"


@pytest.mark.parametrize("ref", ["--upload-pack=x", "a b", "v1..v2", ":/x", "", "HEAD@{1}", "a\nb", "$(id)"])
def test_what_cannot_be_a_reference_is_refused(world: Make, ref: str) -> None:
    with pytest.raises(IncidentError, match="cannot name a release"):
        world().run(ref)


def test_nothing_of_a_hostile_repository_is_run(repo: Repo, world: Make, tmp_path: Path) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho $0 $* >> {tmp_path}/sprung\n")
    trap.chmod(0o755)
    hooks = repo.path / ".git" / "hooks"
    for name in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction", "post-merge"):
        (hooks / name).write_text(trap.read_text())
        (hooks / name).chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "core.editor", "diff.external", "core.askPass", "diff.x.textconv"):
        repo.git("config", key, str(trap))
    repo.git("config", "core.hooksPath", str(hooks))
    (repo.path / ".git" / "info" / "attributes").write_text("* diff=x\n")
    (repo.path / "app.py").write_text("edited\n")
    made = world()
    made.services.healthy = lambda: (repo.path / "app.py").read_text() != "one\n"
    assert made.run()["outcome"] == "rolled_back"
    made.services.healthy = lambda: True
    assert made.run()["outcome"] == "applied"
    assert not (tmp_path / "sprung").exists()


def test_a_tree_that_lies_elsewhere_is_refused(repo: Repo, world: Make, tmp_path: Path) -> None:
    repo.git("config", "core.worktree", str(tmp_path))
    with pytest.raises(IncidentError, match="not the top of a working tree"):
        world().run()


def test_ignored_files_are_never_overwritten(repo: Repo, world: Make) -> None:
    repo.git("checkout", "-q", "v1")
    repo.write({".env": "committed\n"})
    repo.git("add", "-f", ".env")
    repo.commit("careless", {})
    repo.git("checkout", "-q", "main")
    repo.write({".env": "REAL=1\n"})
    made = world()
    with pytest.raises(IncidentError, match=r"\.env is ignored now"):
        made.run("careless")
    assert (repo.path / ".env").read_text() == "REAL=1\n"
    assert made.preserved() == []
    repo.write({".env": "committed\n"})
    assert made.run("careless")["outcome"] == "applied"


def test_an_untracked_file_in_the_way_is_kept_and_comes_back(repo: Repo, world: Make) -> None:
    repo.write({"old.txt": "mine, not the release's\n"})
    before = repo.files()
    made = world()
    made.services.healthy = lambda: not (repo.path / "old.txt").read_text().startswith("gone")
    result = made.run()
    assert result["outcome"] == "rolled_back"
    assert repo.files() == before
    made.services.healthy = lambda: True
    result = made.run()
    with tarfile.open(Path(result["preserved"]["path"]) / "files.tar") as archive:
        member = archive.extractfile("tree/old.txt")
        assert member is not None
        assert member.read() == b"mine, not the release's\n"


def test_a_directory_in_the_way_is_refused(repo: Repo, world: Make) -> None:
    repo.write({"old.txt/data.log": "mine\n"})
    with pytest.raises(IncidentError, match=r"old.txt/data.log stands where"):
        world().run()
    assert (repo.path / "old.txt" / "data.log").exists()


def test_a_lock_of_a_dead_git_is_removed_and_one_of_a_living_one_respected(repo: Repo, world: Make) -> None:
    lock = repo.path / ".git" / "index.lock"
    holder = subprocess.Popen([sys.executable, "-c", f"f=open({str(lock)!r},'w'); print(1, flush=True); input()"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(IncidentError, match=f"pid {holder.pid}"):
            world().run()
        assert lock.exists()
    finally:
        holder.communicate(b"\n")
    result = world().run()
    assert result["outcome"] == "applied"
    assert [note for note in result["notes"] if note.startswith(f"removed {lock}")]


def test_programs_of_a_killed_run_keep_the_next_one_away(repo: Repo, world: Make) -> None:
    made = world()
    child = subprocess.Popen(["sleep", "30"])
    with made.journal.held(0, made.tools().clock) as lock:
        child.kill()
        child.wait()
        heir = subprocess.Popen(["sleep", "30"], pass_fds=[lock])
    try:
        began = time.monotonic()
        with pytest.raises(IncidentError, match="still at work"):
            made.run(patience=0.3)
        assert time.monotonic() - began < 5
    finally:
        heir.kill()
        heir.wait()
    assert made.run()["outcome"] == "applied"


def test_a_full_disk_changes_nothing(repo: Repo, world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dirty(repo)
    before = repo.files()
    made = world()
    made.store.mkdir()
    (made.store / "preserved").write_text("a file, so that no directory can be made here")
    with pytest.raises(OSError, match="preserved"):
        made.run()
    assert repo.files() == before
    assert made.journal.read() is None


def test_what_was_preserved_is_checked_before_it_is_put_back(repo: Repo, world: Make) -> None:
    make_dirty(repo)
    made = world(deploy=["false"])
    assert made.run()["outcome"] == "rollback_failed"
    before = repo.files()
    entry = made.journal.read()
    assert entry is not None
    archive = Path(entry.preserved) / "files.tar"
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    with pytest.raises(IncidentError, match=r"files\.tar is not as it was written"):
        made.run()
    assert repo.files() == before


def test_what_a_killed_run_began_to_keep_goes_away_after_a_day(repo: Repo, world: Make) -> None:
    made = world()
    old, new = (made.store / "preserved" / f"{name}.unfinished" for name in ("old", "new"))
    for place in (old, new):
        place.mkdir(parents=True)
    os.utime(old, (1, 1))
    made.run()
    assert made.preserved() == ["new.unfinished"]


def test_frozen_in_the_middle_stops_there_and_the_next_run_ends_it(repo: Repo, world: Make) -> None:
    from ansible_collections.toombos.incident.plugins.module_utils._recovery.brakes import HeldBack

    made = world(deploy=["true"])

    def freeze() -> None:
        if (repo.path / "app.py").read_text() == "one\n":
            raise HeldBack("frozen by alice.")

    made.services.on_check = freeze
    result = made.run()
    assert (result["outcome"], "frozen by alice" in result["msg"]) == ("rollback_failed", True)
    made.services = FakeServices()
    again = made.run("v2")
    assert [note for note in again["notes"] if note.startswith("undid the rollback")]
    assert (repo.path / "app.py").read_text() == "two\n"
    assert made.services.restarts == [True]


def test_a_tree_that_somebody_moved_on_since_is_not_undone(repo: Repo, world: Make) -> None:
    made = world(deploy=["false"])
    made.run()
    repo.git("checkout", "-q", "main")
    third = repo.commit("v3", {"app.py": "three\n"})
    with pytest.raises(IncidentError, match=r"remove .*json and run again"):
        made.run()
    assert repo.head == third
    os.unlink(made.journal.file)
    made.spec = world().spec
    assert made.run("v2")["outcome"] == "applied"


def test_the_rehearsal_tells_what_lies_between(repo: Repo, world: Make, tmp_path: Path) -> None:
    from ansible_collections.toombos.incident.plugins.module_utils._release import plan

    make_dirty(repo)
    tools = world(deploy=["./deploy.sh"]).tools()
    current = tools.releases.observe()
    target = tools.releases.find("v1", fetch=False, rehearse=True)
    steps = plan.make_plan(current, target, tools.spec, ["main"])
    diff: dict[str, Any] = plan.to_diff(current, target, tools.releases.difference(current, target), steps)
    assert [step.step for step in steps.steps] == ["preserve", "switch", "deploy", "recover"]
    assert "5 changed and 4 untracked files" in diff["before"]
    assert "1 commits are undone, 0 are added, 4 files differ" in diff["prepared"]
    assert diff["after"] == f"{target.name}\n"
    assert not (tmp_path / "store").exists()
