# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A working tree of git as it is: the trees of the repository and its submodules, and what is not as committed."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._release.git_tool import Git

_LINK = "160000"  # the mode of a submodule in a tree


@dataclass(frozen=True)
class Tree:
    """One working tree. ``path``: within the top one, which is ``""``; all other paths are within the top one, too.

    ``branch`` empty: HEAD is detached. ``index``: absolute. ``changed``: tracked, and not as committed,
    in the tree or in the index, or gone. ``hidden``: tracked, and git was told not to look at them.
    ``untracked``: not ignored.
    """

    path: str
    commit: str
    branch: str
    index: str
    changed: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()


def read_trees(git: Git, submodules: bool) -> list[Tree]:
    """The top tree first, then those of its submodules that are there. Raises IncidentError."""
    found = [_read_tree(git, "")]
    waiting = list(submodule_paths(git, "")) if submodules else []
    while waiting:
        path = waiting.pop(0)
        if is_populated(git, path):
            found.append(_read_tree(git, path))
            waiting += submodule_paths(git, path)
    return found


def submodule_paths(git: Git, tree: str) -> dict[str, str]:
    """Path → commit of the submodules in the index of a tree."""
    return _links(tree, git.names("ls-files", "--stage", "-z", tree=tree))


def submodules_of(git: Git, tree: str, commit: str) -> dict[str, str]:
    """Path → commit of the submodules of a commit."""
    return _links(tree, git.names("ls-tree", "-r", "-z", "--full-tree", commit, tree=tree))


def is_populated(git: Git, path: str) -> bool:
    """Whether a submodule has a tree of its own here. Without this git would look into the one above it."""
    return os.path.lexists(os.path.join(git.top, path, ".git"))


def has_commit(git: Git, tree: str, commit: str) -> bool:
    """Whether it can be put in place without a remote."""
    return git.ask("cat-file", "-e", f"{commit}^{{tree}}", tree=tree).rc == 0


def to_state(trees: list[Tree]) -> dict[str, Any]:
    """JSON-ready."""
    return {"trees": [asdict(tree) for tree in trees]}


def from_state(state: Mapping[str, Any]) -> list[Tree]:
    """What ``to_state`` has made."""
    found = []
    for each in state["trees"]:
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in each.items()
        }
        found.append(Tree(**values))
    return found


def _read_tree(git: Git, tree: str) -> Tree:
    head = git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}", tree=tree)
    if head.rc != 0:
        where = os.path.join(git.top, tree)
        raise IncidentError(f"{where} has no commit that is checked out.", "Look at its HEAD: git log -1.")
    branch = git.ask("symbolic-ref", "--quiet", "HEAD", tree=tree).text
    index = git.told("rev-parse", "--git-path", "index", tree=tree)
    changed, untracked = _status(git, tree)
    return Tree(
        path=tree,
        commit=head.text,
        branch=branch,
        index=os.path.join(git.top, tree, index),
        changed=changed,
        hidden=_hidden(git, tree),
        untracked=untracked,
    )


def _status(git: Git, tree: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tracked paths that differ, and untracked ones."""
    lines = git.names(
        "status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=none", tree=tree
    )
    changed: list[str] = []
    untracked: list[str] = []
    for line in lines:
        kind, _blank, rest = line.partition(" ")
        if kind == "?":
            # With a slash at its end it is another repository: nothing in it is ours.
            if not rest.endswith("/"):
                untracked.append(os.path.join(tree, rest))
        elif kind == "u":
            changed.append(os.path.join(tree, rest.split(" ", 9)[9]))
        elif kind == "1":
            columns = rest.split(" ", 7)
            # What lies within a submodule is told by its own tree; here only that it stands at another commit.
            if columns[1][0] != "S" or columns[0][0] != "." or columns[1][1] == "C":
                changed.append(os.path.join(tree, columns[7]))
    return tuple(changed), tuple(untracked)


def _hidden(git: Git, tree: str) -> tuple[str, ...]:
    """Files with ``assume-unchanged`` (a small letter) or ``skip-worktree`` (S): status is silent about them."""
    marked = (line.split(" ", 1) for line in git.names("ls-files", "-v", "-z", tree=tree))
    return tuple(os.path.join(tree, name) for mark, name in marked if mark.islower() or mark == "S")


def _links(tree: str, lines: list[str]) -> dict[str, str]:
    """Of lines ``mode [type] object [stage]<tab>name`` those of submodules."""
    found: dict[str, str] = {}
    for line in lines:
        what, _tab, name = line.partition("\t")
        columns = what.split(" ")
        if columns[0] == _LINK:
            found[os.path.join(tree, name)] = columns[2] if columns[1] == "commit" else columns[1]
    return found
