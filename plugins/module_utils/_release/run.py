# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs things as the user who owns the code: commands with exact output, and functions of our own."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from dataclasses import dataclass
from typing import Any, Callable, Mapping, NoReturn, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._process.account import Account

_MOST = 128 << 20  # bytes of one output that are kept
_POLL = 0.02
_DRAIN = 0.2  # seconds for output that is under way when the program has ended
_GRACE = 0.5  # seconds between SIGTERM and SIGKILL
_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Ran:
    """What became of it. ``rc`` None: it was ended at its deadline. A negative one is the signal that ended it."""

    rc: int | None
    out: bytes
    err: str
    duration: float

    @property
    def text(self) -> str:
        """The output as a line of text."""
        return os.fsdecode(self.out).strip()


class Runner:
    """Everything runs in a session of its own, as ``account``, and nothing of its group is left when it returns.

    ``lock``: an open file that commands inherit, so that a lock on it lives as long as they do, whoever kills us.
    """

    def __init__(self, account: Account, lock: int | None = None) -> None:
        self.account = account
        self.lock = lock

    def environment(self, **more: str) -> dict[str, str]:
        """What a command gets: nothing of the environment of this call but where programs are."""
        account = self.account
        base = {"PATH": os.environ.get("PATH", _PATH), "HOME": account.home, "USER": account.name}
        return {**base, "LOGNAME": account.name, "LC_ALL": "C.UTF-8", **more}

    def command(
        self,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        timeout: float,
        most: int = _MOST,
        output: int | None = None,
        began: Callable[[int], None] | None = None,
    ) -> Ran:
        """Run it. ``output``: an open file for what it prints. ``began`` is told the pid before anything of it runs; a
        command of which somebody else keeps account does not inherit the lock.
        """

        def become() -> NoReturn:
            os.chdir(cwd)
            if self.lock is not None and began is None:
                os.set_inheritable(self.lock, True)
            try:
                os.execvpe(argv[0], list(argv), dict(env))
            except OSError as error:  # it names the last place that was looked at
                raise OSError(error.errno, error.strerror, argv[0]) from None

        return self._run(become, timeout, most, output, began)

    def call(self, function: Callable[[], Any], *, timeout: float) -> Any:
        """The value (JSON-ready) of a function that is called as the user. Raises IncidentError with what it raised.

        The function must find everything imported that it needs, and may use files that are open here.
        """

        def become() -> None:
            os.write(report, json.dumps(function()).encode())

        report = os.memfd_create("answer", os.MFD_CLOEXEC)
        try:
            ran = self._run(become, timeout, _MOST, None, None)
            if ran.rc == 0:
                os.lseek(report, 0, os.SEEK_SET)
                with os.fdopen(os.dup(report), "rb") as file:
                    return json.loads(file.read())
        finally:
            os.close(report)
        raise IncidentError(ran.err.strip() or f"It took more than {timeout:.0f} seconds.")

    def _run(
        self,
        become: Callable[[], Any],
        timeout: float,
        most: int,
        output: int | None,
        began: Callable[[int], None] | None,
    ) -> Ran:
        started = time.monotonic()
        pipes = [os.pipe(), os.pipe(), os.pipe()]  # gate, output, errors
        (gate, opener), (out, out_end), (err, err_end) = pipes
        pid = os.fork()
        if pid == 0:
            self._child(become, gate, opener, out_end if output is None else output, err_end)
        for end in (gate, out_end, err_end):
            os.close(end)
        found = {out: bytearray(), err: bytearray()}
        try:
            if began is not None:
                began(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(opener, b"!")
            finished = _converse(pid, found, started + timeout, most)
        finally:
            rc = _end(pid)
            for end in (opener, out, err):
                os.close(end)
        text = found[err].decode("utf-8", "replace")
        return Ran(rc if finished else None, bytes(found[out]), text, time.monotonic() - started)

    def _child(
        self, become: Callable[[], Any], gate: int, opener: int, out: int, err: int
    ) -> NoReturn:  # pragma: no cover - runs in the forked child
        rc = 126
        try:
            os.setsid()
            os.close(opener)
            # Whoever keeps account of us may be killed before that is done: then this never begins.
            if os.read(gate, 1):
                nothing = os.open(os.devnull, os.O_RDONLY)
                for source, number in ((nothing, 0), (out, 1), (err, 2)):
                    os.dup2(source, number)
                _become(self.account)
                become()
                rc = 0
        except OSError as error:
            os.write(2, f"{error.filename or ''}: {error.strerror}".lstrip(": ").encode("utf-8", "replace"))
        except BaseException as error:  # noqa: BLE001 - this process ends here, and says why
            os.write(2, f"{error}".encode("utf-8", "replace"))
        finally:
            os._exit(rc)


def _become(account: Account) -> None:  # pragma: no cover - runs in the forked child
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)
    if account.switch:
        os.setgroups(account.groups)
        os.setgid(account.gid)
        os.setuid(account.uid)


def _converse(pid: int, found: dict[int, bytearray], deadline: float, most: int) -> bool:
    """Read until it has ended; False when the deadline came first. Of more than ``most`` bytes the last are kept."""
    streams = set(found)
    ended_at: float | None = None
    while True:
        now = time.monotonic()
        if ended_at is None and _has_ended(pid):
            ended_at = now
        if ended_at is not None and (not streams or now >= ended_at + _DRAIN):
            return True
        if now >= deadline:
            return ended_at is not None
        if not streams:
            time.sleep(_POLL / 10)
        for stream in select.select(list(streams), [], [], _POLL)[0] if streams else ():
            data = os.read(stream, 1 << 16)
            found[stream] += data
            del found[stream][: max(0, len(found[stream]) - most)]
            if not data:
                streams.discard(stream)


def _has_ended(pid: int) -> bool:
    # WNOWAIT: it stays a zombie, so its pid, which names its group, cannot be given to a stranger before _end().
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(pid: int) -> int | None:
    """End what is left of its group, and collect it; its return code."""
    if not _has_ended(pid):
        _signal(pid, signal.SIGTERM)
        _await(pid, _GRACE)
    _signal(pid, signal.SIGKILL)
    _await(pid, 2 * _GRACE)
    done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        return None  # in a system call that does not end: left to the kernel
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _await(pid: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not _has_ended(pid) and time.monotonic() < end:
        time.sleep(_POLL / 4)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
