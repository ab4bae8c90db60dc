# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes are a service's own: evidence in the command line, then the declared user and directory.

Evidence is either ``match`` found in the command line, or for a plain command the command itself. A process that only
mentions the text does not count: not this process and its ancestors (their arguments may hold the catalogue), not the
ended, and not a tool that works ON what its arguments name (``sh -c "python x.py"``, ``vim x.py``, ``tail -f x.log``).
A tool that is not in the list below and runs as the declared user in the declared directory with the matching text
is taken for the service: choose ``match`` as narrow as the command allows.
"""

from __future__ import annotations

import os
import pwd
import re
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._process.command import is_interpreter, same_command
from ansible_collections.toombos.incident.plugins.module_utils._process.protected import protected_pids
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import GONE
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable

_DELETED = " (deleted)"
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "busybox", "ksh", "mksh", "zsh", "fish"})
_EDITORS = frozenset({"ed", "emacs", "joe", "mcedit", "micro", "nano", "nvim", "vi", "view", "vim", "vimdiff"})
_READERS = frozenset({"awk", "cat", "cp", "diff", "egrep", "fgrep", "git", "grep", "head", "journalctl", "less", "man"})
_READERS |= {"more", "ps", "pgrep", "rg", "rsync", "scp", "sed", "tail", "tee", "watch"}
_WRAPPERS = frozenset({"ansible", "ansible-playbook", "gdb", "kill", "ltrace", "pkill", "runuser", "screen", "ssh"})
_WRAPPERS |= {"sshd", "sshd-session", "strace", "su", "sudo", "timeout", "tmux"}
_TOOLS = _EDITORS | _READERS | _WRAPPERS


def is_ours(spec: ManagerSpec, process: Process) -> bool:
    """Whether the process is the declared service: evidence, user and directory all agree.

    Without ``match`` and without a command nothing is. Raises re.error when ``match`` is not a regular expression.
    """
    return _is_ours(spec, process, protected_pids())


def own_processes(spec: ManagerSpec, table: ProcessTable) -> tuple[Process, ...]:
    """The service's processes: those that are identified (roots) and all their descendants, parents first."""
    found: dict[int, Process] = {}
    for root in own_roots(spec, table):
        for member in table.tree(root.pid):
            found.setdefault(member.pid, member)
    return tuple(found.values())


def own_roots(spec: ManagerSpec, table: ProcessTable) -> tuple[Process, ...]:
    """The identified processes that are not below another identified one, by age: oldest first."""
    protected = protected_pids()
    ours = [process for process in table.processes.values() if _is_ours(spec, process, protected)]
    below = {member.pid for process in ours for member in table.tree(process.pid)[1:]}
    return tuple(sorted((p for p in ours if p.pid not in below), key=lambda process: (process.start, process.pid)))


def _is_ours(spec: ManagerSpec, process: Process, protected: frozenset[int]) -> bool:
    return (
        process.pid not in protected
        and process.state not in GONE
        and _is_evident(spec, process)
        and runs_as(spec.user, process.uid)
        and _runs_in(spec.cwd, process.cwd)
    )


def _is_evident(spec: ManagerSpec, process: Process) -> bool:
    if spec.match and re.search(spec.match, process.command_line) and not _is_tool(process):
        return True
    return spec.kind == "process" and same_command(spec.command, process, spec.cwd)


def _is_tool(process: Process) -> bool:
    name = _name(process.argv[0])
    if name in _SHELLS:
        return _runs_text(process.argv)
    script = _name(process.argv[1]) if len(process.argv) > 1 and is_interpreter(process.argv[0]) else ""
    return name in _TOOLS or script in _TOOLS


def _name(argument: str) -> str:
    # Login shells are called "-bash"; sshd and tmux rewrite their title: "sshd: someone@pts/0".
    return os.path.basename(argument.split(" ")[0]).strip("-:")


def _runs_text(argv: Sequence[str]) -> bool:
    """Whether a shell got its script as text (``-c``, ``-lc``) instead of as a file."""
    for argument in argv[1:]:
        if not argument.startswith("-"):
            return False
        if argument.endswith("c") and not argument.startswith("--"):
            return True
    return False


def runs_as(user: str | None, uid: int) -> bool:
    """Whether a uid is the declared user's; a user that the host does not know may be written as a number."""
    if user is None:
        return True
    try:
        return pwd.getpwnam(user).pw_uid == uid
    except KeyError:
        return user == str(uid)


def _runs_in(declared: str | None, cwd: str | None) -> bool:
    if declared is None:
        return True
    if cwd is None:
        return False
    actual = cwd[: -len(_DELETED)] if cwd.endswith(_DELETED) else cwd
    return actual == os.path.normpath(declared) or actual == os.path.realpath(declared)
