# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes of a service tell: second copies, missing workers, ended and deleted things. Pure predicates."""

from __future__ import annotations

import re
from typing import Collection, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec, Workers
from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import ManagerState
from ansible_collections.toombos.incident.plugins.module_utils._process.match import runs_as
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import GONE
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable

_INIT = 1
_DELETED = " (deleted)"
_ALIVE = frozenset({manager.RUNNING, manager.STARTING})


def is_alive(state: ManagerState) -> bool:
    """Whether the manager says that the service runs, or is about to."""
    return state.available and state.state in _ALIVE


def managed_tree(state: ManagerState, table: ProcessTable) -> tuple[Process, ...]:
    """The living processes that the manager stands for, the root first."""
    found: dict[int, Process] = {}
    for pid in ([state.pid] if state.pid else []) + list(state.members):
        for process in table.tree(pid):
            found.setdefault(process.pid, process)
    # A zombie is not a service that runs.
    return tuple(process for process in found.values() if process.state not in GONE)


def unclaimed(own: Sequence[Process], state: ManagerState, table: ProcessTable) -> tuple[Process, ...]:
    """Of the processes that carry the service's identity, those that its manager does not keep for another service.

    Several programs of one supervisord may be told apart by nothing but their port: they are not this one's copies.
    """
    others = {member.pid for pid in state.others for member in table.tree(pid)}
    return tuple(process for process in own if process.pid not in others and process.state not in GONE)


def roots(processes: Sequence[Process]) -> tuple[Process, ...]:
    """Those that are not below another one of them."""
    pids = {process.pid for process in processes}
    return tuple(process for process in processes if process.ppid not in pids)


def copies(
    spec: ManagerSpec, managed: Sequence[Process], strays: Sequence[Process], holding: Collection[tuple[int, int]]
) -> tuple[Process, ...]:
    """Strays that are a second copy of the managed service: the same arguments, but certainly not started by it.

    ``holding``: identities of the processes that hold its ports. What has detached itself from the managed process (a
    daemon under a manager that wanted none) looks like a copy, but is younger, has no parent left, and does the work.
    """
    if not managed:
        return ()
    main = managed[0]
    works = any(process.identity in holding for process in managed)

    def is_copy(stray: Process) -> bool:
        if stray.argv != main.argv or stray.ppid == main.ppid != _INIT:
            return False
        idle = works and stray.identity not in holding
        return spec.kind == "process" or stray.start < main.start or stray.ppid not in (_INIT, main.ppid) or idle

    pids = {stray.pid for stray in roots(strays) if is_copy(stray)}
    return tuple(stray for stray in strays if stray.pid in pids or _is_below(stray, pids, strays))


def to_end(
    spec: ManagerSpec,
    state: ManagerState,
    managed: Sequence[Process],
    strays: Sequence[Process],
    holding: Collection[tuple[int, int]],
) -> tuple[Process, ...]:
    """Which strays have to go: beside a living service its copies, and all of them where they are all there is."""
    return (copies(spec, managed, strays, holding) if is_alive(state) else ()) or tuple(strays)


def missing_workers(workers: Workers, managed: Sequence[Process]) -> int:
    """How many of the declared workers there are not."""
    found = [
        process
        for process in managed[1:]
        if (re.search(workers.match, process.command_line) if workers.match else process.ppid == managed[0].pid)
    ]
    return max(0, workers.min - len(found)) if managed else 0


def deleted(managed: Sequence[Process]) -> tuple[str, ...]:
    """Programs and directories that the processes still use, but whose names are gone."""
    paths = [path for process in managed for path in (process.exe, process.cwd) if path and path.endswith(_DELETED)]
    return tuple(dict.fromkeys(path[: -len(_DELETED)] for path in paths))


def needed(spec: ManagerSpec, managed: Sequence[Process]) -> tuple[str, ...]:
    """Paths without which a start must fail."""
    if spec.contained:
        return ()  # what its processes name is in the container's own file system
    program = spec.command[0] if spec.command and spec.command[0].startswith("/") else None
    paths = [path for path in (spec.cwd, program, *deleted(managed)) if path]
    return tuple(dict.fromkeys(paths))


def wrong_user(spec: ManagerSpec, managed: Sequence[Process]) -> int | None:
    """The uid under which a managed service runs, when none of its processes runs as the declared user."""
    if not managed or not spec.user or any(runs_as(spec.user, process.uid) for process in managed):
        return None
    return managed[0].uid


def _is_below(process: Process, pids: set[int], all_of: Sequence[Process]) -> bool:
    parents = {each.pid: each.ppid for each in all_of}
    current, seen = process.ppid, set()
    while current in parents and current not in seen and current not in pids:
        seen.add(current)
        current = parents[current]
    return current in pids
