# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The child's half of a detached start: hardly more than system calls, everything else was prepared before the fork."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import stat
from dataclasses import dataclass
from typing import Mapping, NoReturn

from ansible_collections.toombos.incident.plugins.module_utils._process.account import Account

_FIRST_FREE = 3  # after the standard streams


@dataclass(frozen=True)
class Plan:
    """What the child does, as the kernel wants it. ``account`` None: stay who we are."""

    candidates: tuple[bytes, ...]
    argv: tuple[bytes, ...]
    env: Mapping[bytes, bytes]
    cwd: bytes
    log: bytes
    account: Account | None


def run(plan: Plan, report: int, gate: tuple[int, int]) -> NoReturn:  # pragma: no cover - runs in the forked child
    """Fork once more, so that init adopts the program, and become it there; never returns.

    ``report`` receives ``pid N`` and, on failure, ``STAGE ERRNO`` (fork, user, cwd, log or exec), one per line;
    a successful exec closes it. ``gate``: a pipe; the program goes on when its writing end is closed everywhere.
    """
    stage = ["fork"]
    try:
        report = _above_streams(report)
        os.close(gate[1])
        program = os.fork()
        if program == 0:
            os.read(gate[0], 1)
            _become(plan, report, stage)
        os.write(report, b"pid %d\n" % program)
    except OSError as error:
        os.write(report, b"%s %d\n" % (stage[0].encode("ascii"), error.errno or 0))
    finally:
        os._exit(0)


def _become(plan: Plan, report: int, stage: list[str]) -> NoReturn:  # pragma: no cover - runs in the forked child
    os.setsid()
    _reset_signals()
    os.umask(0o022)
    # The service's user from here on: a directory that it owns cannot lead root astray then.
    stage[0] = "user"
    if plan.account is not None:
        os.setgroups(plan.account.groups)
        os.setgid(plan.account.gid)
        os.setuid(plan.account.uid)
    stage[0] = "cwd"
    os.chdir(plan.cwd)
    stage[0] = "log"
    _redirect(plan.log)
    _close_others(report)
    stage[0] = "exec"
    _execute(plan)


def _reset_signals() -> None:  # pragma: no cover - runs in the forked child
    # An exec resets handlers, but keeps what is ignored (Python: SIGPIPE; nohup: SIGHUP) and what is blocked.
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _redirect(log: bytes) -> None:  # pragma: no cover - runs in the forked child
    # Without O_NONBLOCK the open of a named pipe would wait for its reader.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK
    output = _above_streams(os.open(log, flags, 0o640))
    kind = os.fstat(output).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISCHR(kind)):
        raise OSError(errno.EINVAL, "neither a file nor a device")
    os.set_blocking(output, True)
    nothing = _above_streams(os.open(os.devnull, os.O_RDONLY))
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _above_streams(handle: int) -> int:  # pragma: no cover - runs in the forked child
    """The same file under a number that the standard streams do not need."""
    return handle if handle >= _FIRST_FREE else fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE)


def _close_others(keep: int) -> None:  # pragma: no cover - runs in the forked child
    # By what is open: the limit of open files may be a thousand million.
    for name in os.listdir("/proc/self/fd"):
        if int(name) >= _FIRST_FREE and int(name) != keep:
            with contextlib.suppress(OSError):  # the listing's own is closed already
                os.close(int(name))


def _execute(plan: Plan) -> NoReturn:  # pragma: no cover - runs in the forked child
    """Try the candidates as a shell does: a hit that may not be executed is remembered, a miss is not."""
    telling = errno.ENOENT
    for candidate in plan.candidates:
        try:
            os.execve(candidate, plan.argv, plan.env)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                telling = error.errno or telling
    raise OSError(telling, "no candidate could be executed")
