# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds process and port_owner: what runs, and who holds a port."""

from __future__ import annotations

import re
from typing import Any, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import PortOwnerTarget, ProcessTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, Outcome
from ansible_collections.toombos.incident.plugins.module_utils._process.listeners import read_listeners
from ansible_collections.toombos.incident.plugins.module_utils._process.match import own_roots, runs_as
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Listener, Process

_SHOWN = 5


def attempt_process(target: ProcessTarget, deadline: float, context: Context) -> Outcome:
    """Count the process trees that fit."""
    expected = {"min": target.min, "max": target.max}
    spec = ManagerSpec(kind="", match=target.match, cwd=target.cwd, user=target.user)
    try:
        found = own_roots(spec, context.table(deadline))
    except Overdue:
        return Outcome(FAIL, reasons.TIMEOUT, "the process table could not be read in time", None, expected)
    observed = {"count": len(found), "processes": [_describe(process) for process in found[:_SHOWN]]}
    count = f"{len(found)} such process{'' if len(found) == 1 else 'es'}"
    if len(found) < target.min:
        return Outcome(FAIL, reasons.NOT_RUNNING, f"{count}, at least {target.min} expected", observed, expected)
    if target.max is not None and len(found) > target.max:
        return Outcome(FAIL, reasons.TOO_MANY, f"{count}, at most {target.max} expected", observed, expected)
    return Outcome(PASS, reasons.OK, count, observed, expected)


def attempt_port_owner(target: PortOwnerTarget, deadline: float, context: Context) -> Outcome:
    """Look who listens; one of the processes that share the socket must fit everything that is expected."""
    declared = (("match", target.match), ("user", target.user), ("exe", target.exe))
    expected = {key: value for key, value in declared if value is not None}
    try:
        table = context.table(deadline)
        listeners = call_by(deadline, context.clock, lambda: read_listeners((target.port,), table, context.proc))
    except Overdue:
        return Outcome(FAIL, reasons.TIMEOUT, "the sockets could not be read in time", None, expected)
    if not listeners:
        return Outcome(FAIL, reasons.NOT_LISTENING, f"nothing listens on port {target.port}", [], expected)
    for listener in listeners:
        holders = [table.processes[pid] for pid in listener.pids if pid in table.processes]
        if not _fits(target, listener, holders):
            return _wrong_owner(target, listener, holders, expected)
    pids = sorted({pid for listener in listeners for pid in listener.pids})
    return Outcome(PASS, reasons.OK, f"port {target.port} is held by {_pids(pids)}", pids, expected)


def _fits(target: PortOwnerTarget, listener: Listener, holders: Sequence[Process]) -> bool:
    if not holders:  # not ours to look into, but the socket itself names its user
        return target.match is None and target.exe is None and runs_as(target.user, listener.uid)
    return any(
        (target.match is None or re.search(target.match, holder.command_line) is not None)
        and (target.exe is None or holder.exe == target.exe)
        and runs_as(target.user, holder.uid)
        for holder in holders
    )


def _wrong_owner(target: PortOwnerTarget, listener: Listener, holders: Sequence[Process], expected: Any) -> Outcome:
    observed = [_describe(holder) for holder in holders[:_SHOWN]] or [{"uid": listener.uid}]
    if holders:
        who = f"pid {holders[0].pid} (uid {holders[0].uid}): {holders[0].command_line[:80]}"
    else:
        who = f"a process of uid {listener.uid} that may not be looked into"
    return Outcome(FAIL, reasons.WRONG_OWNER, f"port {target.port} is held by {who}", observed, expected)


def _pids(pids: Sequence[int]) -> str:
    return "pid " + ", ".join(map(str, pids)) if pids else "a process of the expected user"


def _describe(process: Process) -> dict[str, Any]:
    return {"pid": process.pid, "uid": process.uid, "command": process.command_line[:200], "exe": process.exe}
