# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The single steps of putting a commit in place, and of returning from wherever one was interrupted."""

from __future__ import annotations

import os
from typing import Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._release import preserved
from ansible_collections.toombos.incident.plugins.module_utils._release.git_tool import Git
from ansible_collections.toombos.incident.plugins.module_utils._release.git_tree import (
    Tree,
    has_commit,
    is_populated,
    submodule_paths,
)

_LOCKS = ("index.lock", "HEAD.lock")
_WHY = "a code rollback was undone"


def locks(git: Git, *, submodules: bool) -> list[str]:
    """The lock files that a git which changes the trees takes, whether they are there or not."""
    found: list[str] = []
    waiting = [""]
    while waiting:
        tree = waiting.pop()
        for name in _LOCKS:
            path = git.told("rev-parse", "--git-path", name, tree=tree)
            found.append(os.path.join(git.top, tree, path))
        if submodules:
            waiting += [path for path in submodule_paths(git, tree) if is_populated(git, path)]
    return found


def write_patch(git: Git, tree: Tree, directory: str, name: str) -> None:
    """What differs from the commit, as a patch that ``git apply`` takes. Raises IncidentError and OSError."""
    descriptor = preserved.create(directory, name)
    try:
        ran = git.ask(
            "diff",
            "--binary",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--no-renames",
            "--ignore-submodules=dirty",
            "HEAD",
            tree=tree.path,
            output=descriptor,
        )
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if ran.rc != 0:
        raise IncidentError(f"The changes in {git.top}/{tree.path} cannot be preserved: {ran.err.strip()[:300]}.")


def update_submodules(git: Git, paths: Sequence[str], *, online: bool) -> None:
    """Put the commits in place that the index names, also where that was configured otherwise. Raises IncidentError."""
    if paths:
        options = ("--init", "--recursive", "--checkout", "--force", "--quiet")
        git.change("submodule", "update", *options, "--", *paths, online=online)


def return_tree(git: Git, tree: Tree, wanted: str) -> list[str]:
    """Reach the tree's commit again from a switch to the commit ``wanted`` that stopped anywhere; notes."""
    head = git.ask("rev-parse", "HEAD", tree=tree.path).text
    if head == tree.commit and wanted and has_commit(git, tree.path, wanted):
        # HEAD moves last: what a switch has written until then, and the old commit lacks, is tracked now and goes away.
        git.change("read-tree", "--reset", wanted, tree=tree.path)
    git.change("checkout", "--quiet", "--force", "--detach", tree.commit, tree=tree.path)
    if not tree.branch:
        return []
    if git.ask("rev-parse", "--verify", "--quiet", tree.branch, tree=tree.path).text != tree.commit:
        return [f"{tree.branch} has moved meanwhile, so HEAD of {tree.path or git.top} stays detached"]
    git.change("symbolic-ref", "-m", _WHY, "HEAD", tree.branch, tree=tree.path)
    return []


def verify(git: Git, commits: Mapping[str, str]) -> None:
    """Raise IncidentError unless every tree stands at its commit."""
    for path, commit in commits.items():
        head = git.ask("rev-parse", "HEAD", tree=path).text if is_populated(git, path) else "not there"
        if head != commit:
            raise IncidentError(f"{os.path.join(git.top, path)} should be at {commit[:12]}, but is {head[:12]}.")
