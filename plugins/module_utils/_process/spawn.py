# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting a process that lives on by itself: no terminal, no session of ours, nothing inherited but what is said."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from typing import Callable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ProcessError
from ansible_collections.toombos.incident.plugins.module_utils._process import spawn_child
from ansible_collections.toombos.incident.plugins.module_utils._process.account import Account, find_account
from ansible_collections.toombos.incident.plugins.module_utils._process.kill import send_signal
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import GONE
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_process
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process

_TIMEOUT = 10.0
_SETTLE = 1.0
_FAILURES = {
    "fork": ("{program} could not be started", "Look at the limits of processes and memory."),
    "user": ("The user {user} cannot be taken on", "Run with become: true."),
    "cwd": ("The directory {cwd} cannot be entered by {user}", "Correct manager.cwd or its permissions."),
    "log": ("The log {log} cannot be opened by {user}", "Correct manager.log or its owner; no link, no pipe."),
    "exec": ("{program} cannot be executed by {user}", "Correct manager.command: is it there, may it be executed?"),
}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def spawn_detached(
    argv: Sequence[str],
    *,
    cwd: str,
    user: str | None,
    env: Mapping[str, str],
    log: str | None,
    clock: Clock,
    place: Callable[[int], None] | None = None,
) -> Process:
    """Start ``argv`` in ``cwd`` as ``user`` and return it once the program itself runs.

    It leads its own session, is adopted by init, reads nothing, appends what it writes to ``log`` (created 0640 and
    owned by the user; None: discarded), and has a minimal environment plus ``env``. A bare program name is looked up
    in the PATH of that environment. ``place`` gets its pid before it does anything, and may put it somewhere else.
    Raises ProcessError, with the reason, when the user is unknown or not permitted, the directory or program cannot
    be used, the log cannot be opened, or the program ended at once.
    """
    if not argv:
        raise ProcessError("There is no command to start.", "Declare manager.command.")
    account = find_account(user)
    environment = _environment(account, env)
    if any("\0" in text for text in (*argv, *environment, *environment.values(), cwd, log or "")):
        raise ProcessError("A zero byte cannot be part of a command, a path or the environment.", "Correct env_file.")
    plan = spawn_child.Plan(
        candidates=_candidates(argv[0], environment["PATH"]),
        argv=tuple(os.fsencode(argument) for argument in argv),
        env={os.fsencode(name): os.fsencode(value) for name, value in environment.items()},
        cwd=os.fsencode(cwd),
        log=os.fsencode(log or os.devnull),
        account=account if account.switch else None,
    )
    pid, failure = _launch(plan, clock, place)
    if failure is not None:
        raise _explain(failure, argv[0], cwd, log, account)
    return _started(pid, argv[0], log, clock)


def _started(pid: int, program: str, log: str | None, clock: Clock) -> Process:
    deadline = clock.monotonic() + _SETTLE
    while True:
        process = read_process(pid)
        if process is None or process.state in GONE:
            raise ProcessError(f"{program} ended right after its start.", f"Read {log}." if log else "Declare a log.")
        # The kernel closes the report before it has put the new arguments in place.
        if process.argv or clock.monotonic() >= deadline:
            return process
        clock.sleep(0.005)


def _environment(account: Account, env: Mapping[str, str]) -> dict[str, str]:
    base = {
        "PATH": _PATH,
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }
    base.update(env)
    return base


def _candidates(program: str, path: str) -> tuple[bytes, ...]:
    if "/" in program:
        return (os.fsencode(program),)
    return tuple(os.fsencode(os.path.join(folder, program)) for folder in path.split(os.pathsep) if folder)


def _launch(
    plan: spawn_child.Plan, clock: Clock, place: Callable[[int], None] | None
) -> tuple[int, tuple[str, int] | None]:
    """The pid of the started process, and the stage and errno where it failed."""
    report, gate = os.pipe(), os.pipe()  # closed by a successful exec: no end is inheritable
    ours = {*report, *gate}
    try:
        child = os.fork()
        if child == 0:  # pragma: no cover - runs in the forked child
            spawn_child.run(plan, report[1], gate)
        _close(ours, report[1], gate[0])
        words = _read(report[0], clock, b"\n")
        if place is not None and words.startswith(b"pid "):
            place(int(words.split()[1]))
        _close(ours, gate[1])
        words += _read(report[0], clock, b"", words)
        _collect(child)
    finally:
        _close(ours, *ours)
    found = dict(line.split(b" ", 1) for line in words.splitlines())
    pid = int(found.pop(b"pid", b"0"))
    failures = [(stage.decode("ascii"), int(number)) for stage, number in found.items()]
    return pid, failures[0] if failures else None


def _close(ours: set[int], *handles: int) -> None:
    for handle in handles:
        ours.remove(handle)
        os.close(handle)


def _read(reading: int, clock: Clock, end: bytes, before: bytes = b"") -> bytes:
    """What the child reports, until it has said ``end``, or until the program itself runs; not what it said before."""
    deadline = clock.monotonic() + _TIMEOUT
    words = b""
    while not end or not words.endswith(end):
        ready, _writable, _failed = select.select([reading], [], [], max(0.0, deadline - clock.monotonic()))
        if not ready:
            _abandon(before + words)
            raise ProcessError(
                f"The program did not start within {_TIMEOUT:.0f} s.", "Look for a dead mount below its directory."
            )
        data = os.read(reading, 4096)
        if not data:
            break
        words += data
    return words


def _abandon(words: bytes) -> None:
    """A start that hangs must not come to life later, unseen."""
    found = [line for line in words.splitlines() if line.startswith(b"pid ")]
    process = read_process(int(found[0].split()[1])) if found else None
    if process is not None:
        send_signal(process.identity, signal.SIGKILL)


def _collect(child: int) -> None:
    # Where SIGCHLD is ignored the kernel has collected it already.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)


def _explain(failure: tuple[str, int], program: str, cwd: str, log: str | None, account: Account) -> ProcessError:
    stage, number = failure
    what, way_out = _FAILURES[stage]
    subject = what.format(program=program, cwd=cwd, log=log, user=account.name)
    return ProcessError(f"{subject}: {os.strerror(number)}.", way_out)
