# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases as commits of a git repository whose working tree is the application."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._release import (
    archive,
    git_ref,
    git_steps,
    leftovers,
    preserved,
)
from ansible_collections.toombos.incident.plugins.module_utils._release.git_tool import Git
from ansible_collections.toombos.incident.plugins.module_utils._release.git_tree import (
    Tree,
    from_state,
    has_commit,
    is_populated,
    read_trees,
    submodule_paths,
    submodules_of,
    to_state,
)
from ansible_collections.toombos.incident.plugins.module_utils._release.run import Runner
from ansible_collections.toombos.incident.plugins.module_utils._release.types import (
    Difference,
    Preserved,
    Release,
    Spec,
    Target,
)

_SHOWN = 50  # names of each kind in the result
_EXTRA = 1 << 30  # bytes of untracked files that are kept although nothing happens to them
_PACKING = 600.0


class GitReleases:
    """See ``types.Releases``. ``fetch_timeout``: seconds that a remote may take."""

    def __init__(self, spec: Spec, runner: Runner, fetch_timeout: float = 60.0) -> None:
        self.directory = spec.path
        self._spec = spec
        self._runner = runner
        self._git = Git(runner, spec.path)
        self._fetch_timeout = fetch_timeout

    def observe(self) -> Release:
        """Read HEAD, the trees and what differs. The index is not refreshed."""
        top = self._git.ask("rev-parse", "--show-toplevel")
        if top.rc != 0 or os.path.realpath(top.text) != os.path.realpath(self._spec.path):
            said = f" ({top.err.strip().splitlines()[-1][:200]})" if top.err.strip() else ""
            raise IncidentError(
                f"{self._spec.path} is not the top of a working tree of git{said}.", "Correct code.path."
            )
        trees = read_trees(self._git, self._spec.submodules)
        main = trees[0]
        return Release(
            id=main.commit,
            name=git_ref.name_of(self._git, main.commit),
            dirty=any(tree.changed for tree in trees),
            detail=self._detail(trees),
            state=to_state(trees),
        )

    def find(self, ref: str, *, fetch: bool, rehearse: bool) -> Target:
        """Look here first, then, where that is allowed, at the remote."""
        current = self._git.told("rev-parse", "HEAD")
        target = git_ref.find(
            self._git, ref, current, self._spec.remote, fetch=fetch, rehearse=rehearse, timeout=self._fetch_timeout
        )
        commits = self._commits(target.id) if target.known else {}
        return Target(target.id, target.name, target.known, {"commit": target.id, "trees": commits})

    def difference(self, current: Release, target: Target) -> Difference:
        """Count commits and files between the two."""
        if not target.known:
            return Difference()
        base = (current.id, target.id)
        undone = self._git.told("log", "--format=%h %s", f"{base[1]}..{base[0]}").splitlines()
        added = self._git.told("rev-list", "--count", f"{base[0]}..{base[1]}")
        files = self._git.names("diff", "--name-only", "-z", "--no-ext-diff", "--ignore-submodules=dirty", *base)
        return Difference(tuple(undone), int(added), len(files))

    def obstacles(self, current: Release, target: Target, *, fetch: bool) -> list[str]:
        """Submodules that are not here, and files of others that would be overwritten."""
        if not target.known:
            return []
        found: list[str] = []
        wanted: Mapping[str, str] = target.state["trees"]
        if not fetch:
            found += [
                f"the submodule {path} of it is not here at {commit[:12]}, and fetching it was not allowed (fetch)"
                for path, commit in wanted.items()
                if path and not self._is_here(path, commit)
            ]
        for tree in from_state(current.state):
            ways = self._ways(tree, wanted.get(tree.path, ""))
            found += [f"{name} stands where the release has a file" for name in ways["blocked"]]
            found += [
                f"{name} is ignored now (settings? logs?), and the release has another one"
                for name in ways["files"]
                if name not in tree.untracked and not self._is_same(tree, name, wanted[tree.path])
            ]
        return found

    def clear_leftovers(self) -> list[str]:
        """Remove index.lock and HEAD.lock of trees whose git is provably dead."""
        done = []
        for path in git_steps.locks(self._git, submodules=self._spec.submodules):
            identity = leftovers.identity_of(path)
            if identity is None:
                continue
            leftovers.insist(path, self._spec.path)
            if self._runner.call(partial(leftovers.remove, path, identity), timeout=30):
                done.append(f"removed {path}: the git that made it is dead")
        return done

    def preserve(self, current: Release, target: Target, directory: str) -> Preserved:
        """A patch for people, an archive of the files and of the indexes to put everything back from."""
        trees = from_state(current.state)
        needed: list[str] = []
        for tree in trees:
            needed += [
                *tree.changed,
                *tree.hidden,
                *self._ways(tree, target.state["trees"].get(tree.path, ""))["files"],
            ]
        extra = [name for tree in trees for name in tree.untracked]
        archive.load()
        unfinished = preserved.begin(directory)
        try:
            for number, tree in enumerate(trees):
                if tree.changed:
                    git_steps.write_patch(self._git, tree, unfinished, f"changes-{number}.patch")
            descriptor = preserved.create(unfinished, preserved.ARCHIVE)
            try:
                packed = self._runner.call(
                    lambda: archive.pack(descriptor, self._spec.path, needed, extra, [t.index for t in trees], _EXTRA),
                    timeout=_PACKING,
                )
            finally:
                os.close(descriptor)
            facts = {"path": self._spec.path, "release": current.id, "name": current.name, **current.state}
            return preserved.finish(directory, facts, packed, empty=not packed["files"] and not packed["gone"])
        except BaseException:
            preserved.discard(unfinished)
            raise

    def switch(self, target: Target, *, fetch: bool) -> None:
        """Detach HEAD at the commit, tracked files exactly as in it; submodules as it says. What is ignored stays."""
        had = submodule_paths(self._git, "") if self._spec.submodules else {}
        absent = {path for path in had if not is_populated(self._git, path)}
        self._git.change("checkout", "--quiet", "--force", "--detach", target.id)
        if self._spec.submodules:
            paths = [path for path in submodules_of(self._git, "", target.id) if path not in absent]
            git_steps.update_submodules(self._git, paths, online=fetch)
        git_steps.verify(self._git, self._commits(target.id))

    def put_back(self, state: Mapping[str, Any], target: Mapping[str, Any], kept: str) -> list[str]:
        """Reach the old trees from wherever a switch stands; then the files that were not committed."""
        notes: list[str] = []
        trees = from_state(state)
        manifest = preserved.read(kept) if kept else None
        for tree in trees:
            if tree.path and not is_populated(self._git, tree.path):
                notes.append(f"the submodule {tree.path} is gone and was not put back")
                continue
            notes += git_steps.return_tree(self._git, tree, target["trees"].get(tree.path, ""))
        if manifest is not None:
            self._unpack(kept, manifest["gone"], trees)
        git_steps.verify(self._git, {tree.path: tree.commit for tree in trees if is_populated(self._git, tree.path)})
        return notes

    def _unpack(self, kept: str, gone: list[str], trees: list[Tree]) -> None:
        archive.load()
        indexes = [tree.index for tree in trees]
        handle = os.open(os.path.join(kept, preserved.ARCHIVE), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            self._runner.call(lambda: archive.unpack(handle, self._spec.path, gone, indexes), timeout=_PACKING)
        finally:
            os.close(handle)

    def _detail(self, trees: list[Tree]) -> dict[str, Any]:
        main = trees[0]
        missing = [path for path in submodule_paths(self._git, "") if not is_populated(self._git, path)]
        return {
            "commit": main.commit,
            "tags": git_ref.tags_of(self._git, main.commit),
            "branch": main.branch[len("refs/heads/") :] if main.branch.startswith("refs/heads/") else main.branch,
            "detached": not main.branch,
            "changed": [name for tree in trees for name in tree.changed][:_SHOWN],
            "untracked": [name for tree in trees for name in tree.untracked][:_SHOWN],
            "submodules": [
                {"path": tree.path, "commit": tree.commit, "dirty": bool(tree.changed)} for tree in trees[1:]
            ]
            + [{"path": path, "commit": "", "dirty": False} for path in missing],
            "locks": [
                path
                for path in git_steps.locks(self._git, submodules=self._spec.submodules)
                if leftovers.identity_of(path)
            ],
        }

    def _commits(self, commit: str) -> dict[str, str]:
        """Path of each tree → its commit, of what a commit wants, as far as that can be read here."""
        found = {"": commit}
        waiting = [("", commit)] if self._spec.submodules else []
        had = submodule_paths(self._git, "") if self._spec.submodules else {}
        while waiting:
            tree, at = waiting.pop()
            for path, wanted in submodules_of(self._git, tree, at).items():
                if path in had and not is_populated(self._git, path):
                    continue  # nobody wanted it here
                found[path] = wanted
                if is_populated(self._git, path) and has_commit(self._git, path, wanted):
                    waiting.append((path, wanted))
        return found

    def _is_here(self, path: str, commit: str) -> bool:
        if is_populated(self._git, path):
            return has_commit(self._git, path, commit)
        modules = self._git.told("rev-parse", "--git-path", f"modules/{path}")
        place = os.path.join(self._git.top, modules)
        return (
            os.path.isdir(place) and self._git.ask(f"--git-dir={place}", "cat-file", "-e", f"{commit}^{{tree}}").rc == 0
        )

    def _ways(self, tree: Tree, commit: str) -> dict[str, list[str]]:
        """What is in the way of a commit in a tree; nothing where the commit is not here, or is not wanted."""
        if not commit or not has_commit(self._git, tree.path, commit):
            return {"files": [], "blocked": []}
        tracked = self._git.names("ls-files", "-z", tree=tree.path)
        wanted = self._git.names("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, tree=tree.path)
        modules = {os.path.relpath(path, tree.path or ".") for path in submodules_of(self._git, tree.path, commit)}
        added = sorted(set(wanted) - set(tracked) - modules)
        where = os.path.join(self._git.top, tree.path) if tree.path else self._git.top
        found = self._runner.call(lambda: archive.in_the_way(where, added, tracked), timeout=60)
        return {kind: [os.path.join(tree.path, name) for name in names] for kind, names in found.items()}

    def _is_same(self, tree: Tree, name: str, commit: str) -> bool:
        inner = os.path.relpath(name, tree.path) if tree.path else name
        here = self._git.ask("hash-object", "--", inner, tree=tree.path)
        there = self._git.ask("rev-parse", "--verify", "--quiet", f"{commit}:{inner}", tree=tree.path)
        return here.rc == there.rc == 0 and here.text == there.text
