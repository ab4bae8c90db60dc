# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reference means in a repository, and what to say when it is not there."""

from __future__ import annotations

import re
from difflib import get_close_matches

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.module_utils._release.git_tool import Git
from ansible_collections.toombos.incident.plugins.module_utils._release.types import PREVIOUS, Target

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NEAR = 5


def find_here(git: Git, ref: str, remote: str) -> str:
    """The commit of a tag, a branch, a branch of the remote or a commit, in this order; empty: it is not here."""
    for name in (f"refs/tags/{ref}", f"refs/heads/{ref}", f"refs/remotes/{remote}/{ref}", ref):
        found = git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found.rc == 0 and _COMMIT.fullmatch(found.text):
            return found.text
    return ""


def previous(git: Git, current: str) -> str:
    """The commit that was in place before. Raises IncidentError when nothing is known of it."""
    moves = git.ask("reflog", "show", "--format=%H", "HEAD")
    for commit in moves.text.split() if moves.rc == 0 else ():
        if commit != current:
            return commit
    raise IncidentError("It is not on record what was in place before.", "Name a tag, a branch or a commit.")


def find(git: Git, ref: str, current: str, remote: str, *, fetch: bool, rehearse: bool, timeout: float) -> Target:
    """The target. Raises IncidentError with the tags that are near to one that cannot be found."""
    commit = previous(git, current) if ref == PREVIOUS else find_here(git, ref, remote)
    if commit:
        return Target(commit, name_of(git, commit, ref))
    if fetch and rehearse:
        return Target(_ask_remote(git, ref, remote, timeout), ref, known=False)
    if fetch:
        answer = git.remote("fetch", "--quiet", "--tags", "--no-recurse-submodules", remote, timeout=timeout)
        if answer.rc != 0:
            raise _not_here(git, ref, f"and {remote} could not be asked: {_last(answer.err)}")
        commit = find_here(git, ref, remote)
        if commit:
            return Target(commit, name_of(git, commit, ref))
        raise _not_here(git, ref, f"nor at {remote}")
    raise _not_here(git, ref, "and fetching it was not allowed (fetch)")


def name_of(git: Git, commit: str, ref: str = "") -> str:
    """For people: ``v1.2 (1a2b3c4d5e6f)``."""
    tags = [ref] if ref and ref != PREVIOUS and not commit.startswith(ref) else tags_of(git, commit)[:3]
    return f"{', '.join(tags)} ({commit[:12]})" if tags else commit[:12]


def tags_of(git: Git, commit: str) -> list[str]:
    """The names of tags that point at it."""
    return git.told("for-each-ref", "--format=%(refname:strip=2)", f"--points-at={commit}", "refs/tags").splitlines()


def _ask_remote(git: Git, ref: str, remote: str, timeout: float) -> str:
    """The commit there, without keeping anything of the answer."""
    answer = git.remote("ls-remote", "--quiet", remote, ref, f"{ref}^{{}}", timeout=timeout)
    if answer.rc != 0:
        raise _not_here(git, ref, f"and {remote} could not be asked: {_last(answer.err)}")
    lines = (line.partition("\t") for line in answer.text.splitlines())
    found = {name: commit for commit, _tab, name in lines}
    for name in (f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}"):
        if name in found:
            return found[name]
    if _COMMIT.fullmatch(ref):
        return ref
    raise _not_here(git, ref, f"nor at {remote}")


def _not_here(git: Git, ref: str, why: str) -> IncidentError:
    tags = git.told("for-each-ref", "--sort=-creatordate", "--format=%(refname:strip=2)", "refs/tags").splitlines()
    near = get_close_matches(ref, tags, _NEAR, 0.5) or tags[:_NEAR]
    there = f"Tags that are here: {', '.join(near)}." if near else "There are no tags here."
    return IncidentError(f"{ref} is not in {git.top}, {why}.", f"{there} Name one of them, or allow to fetch.")


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return redact(lines[-1])[:200] if lines else "it gives no reason"
