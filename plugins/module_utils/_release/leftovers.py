# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock files that a killed program has left behind: removed only when nobody can be at work under them."""

from __future__ import annotations

import os

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._process.table import list_pids, read_process

_NAMES = frozenset({"git", "git.exe"})


def may_live(path: str, top: str) -> str:
    """Who may be at work under this lock; empty: certainly nobody.

    That is somebody who has the file open, a git that works in the tree, or one of which this user cannot see where it
    works.
    """
    wanted = os.path.realpath(path)
    trees = {os.path.realpath(top), top}
    for pid in list_pids():
        process = read_process(pid)
        if process is None or pid == os.getpid() or process.state in "ZX":
            continue
        what = f"pid {pid} ({' '.join(process.argv)[:60]})"
        is_git = bool(process.argv) and os.path.basename(process.argv[0]).partition("-")[0] in _NAMES
        if is_git and process.cwd is None:
            return f"{what}, of which it cannot be seen where it works"
        if is_git and any(f"{process.cwd}/".startswith(f"{tree}/") for tree in trees):
            return what
        if is_git and any(f"{tree}/" in f"{word}/" for tree in trees for word in process.argv):
            return what
        if _has_open(pid, wanted):
            return what
    return ""


def identity_of(path: str) -> tuple[int, int, int] | None:
    """Which file it is; None: there is none."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (found.st_dev, found.st_ino, found.st_ctime_ns)


def remove(path: str, identity: tuple[int, int, int]) -> bool:
    """Remove this very file, not one that took its name meanwhile; whether it was. Raises OSError."""
    if identity_of(path) != identity:
        return False
    os.unlink(path)
    return True


def insist(path: str, top: str) -> None:
    """Raise IncidentError unless certainly nobody is at work under the lock."""
    who = may_live(path, top)
    if who:
        raise IncidentError(
            f"{path} is there, and {who} may be at work under it.",
            "Wait until that has ended, or end it, and run again.",
        )


def _has_open(pid: int, path: str) -> bool:
    base = f"/proc/{pid}/fd"
    try:
        names = os.listdir(base)
    except OSError:  # another user's: nobody but its git has a reason to hold it, and that is asked about by its name
        return False
    for name in names:
        try:
            if os.readlink(f"{base}/{name}") == path:
                return True
        except OSError:
            continue
    return False
