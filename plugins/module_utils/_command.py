# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command in a session of its own; nothing of it is left when the call returns."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import IO, Mapping, Sequence, cast

_TERM_GRACE = 0.5  # seconds between SIGTERM and SIGKILL
_KILL_GRACE = 1.0  # seconds to wait for a killed command; one in an unkillable system call is left to the kernel
_DRAIN = 0.2  # seconds for output that is under way when the command has ended
_POLL = 0.05  # how often the end of the command is looked for while its output is read


@dataclass(frozen=True)
class CommandResult:
    """What a command did. ``rc`` is None when it was not run (``error`` says why) or had to be ended (``timed_out``).

    A negative ``rc`` is the signal that ended it. ``duration`` in seconds. Undecodable bytes are replaced.
    """

    rc: int | None
    stdout: str
    stderr: str
    timed_out: bool
    duration: float
    error: str = ""


_lock = threading.Lock()
_running: dict[int, subprocess.Popen[bytes]] = {}


def run_command(
    argv: Sequence[str],
    *,
    timeout: float,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    max_output: int = 65536,
) -> CommandResult:
    """Run ``argv`` for at most ``timeout`` seconds, then end its whole process group (TERM, short grace, KILL).

    What the command left in its group is ended too when it ends by itself. Of each output stream the first and the
    last bytes are kept, ``max_output`` together. Never raises for a command that cannot be run.
    """
    started = time.monotonic()
    if timeout <= 0:
        return CommandResult(None, "", "", True, 0.0)
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return CommandResult(None, "", "", False, time.monotonic() - started, _explain(error, argv))
    with _lock:
        _running[process.pid] = process
    outputs = (_Output(max_output), _Output(max_output))
    try:
        finished = _converse(process, stdin, outputs, started + timeout)
    finally:
        rc = _end(process)
    stdout, stderr = (output.text() for output in outputs)
    return CommandResult(rc if finished else None, stdout, stderr, not finished, time.monotonic() - started)


def kill_all_children() -> None:
    """SIGKILL the groups of all commands that still run: for the moment when a hard deadline has come."""
    with _lock:
        for pid in _running:
            _signal_group(pid, signal.SIGKILL)


def _explain(error: Exception, argv: Sequence[str]) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or argv[0]}: {error.strerror}"
    return str(error)


class _Output:
    """The beginning and the end of a stream, in bounded memory."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, data: bytes) -> None:
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        surplus = len(self._tail) - self._half
        if surplus > 0:
            del self._tail[:surplus]
            self._left_out += surplus

    def text(self) -> str:
        gap = f"\n[... {self._left_out} bytes left out ...]\n".encode() if self._left_out else b""
        return (bytes(self._head) + gap + bytes(self._tail)).decode("utf-8", "replace")


def _converse(
    process: subprocess.Popen[bytes], stdin: bytes, outputs: tuple[_Output, _Output], deadline: float
) -> bool:
    """Feed and read until the command has ended and its streams too; False when the deadline came first."""
    with selectors.DefaultSelector() as selector:
        for stream, output in zip((process.stdout, process.stderr), outputs):
            _register(selector, stream, selectors.EVENT_READ, output)
        _register(selector, process.stdin, selectors.EVENT_WRITE, _Feed(stdin))
        ended_at: float | None = None
        while True:
            now = time.monotonic()
            if ended_at is None and _has_ended(process.pid):
                ended_at = now
            streams = len(selector.get_map())
            # A grandchild may hold the streams open for ever; what it writes is not the command's output.
            if ended_at is not None and (not streams or now >= ended_at + _DRAIN):
                return True
            if now >= deadline:
                return ended_at is not None
            for key, _events in selector.select(min(_POLL if streams else _POLL / 10, deadline - now)):
                if not _move(key):
                    cast("IO[bytes]", selector.unregister(key.fileobj).fileobj).close()


class _Feed:
    """What is still to be written to the command."""

    def __init__(self, data: bytes) -> None:
        self.left = memoryview(data)


def _register(selector: selectors.BaseSelector, stream: IO[bytes] | None, events: int, data: object) -> None:
    if stream is not None:
        os.set_blocking(stream.fileno(), False)
        selector.register(stream, events, data)


def _move(key: selectors.SelectorKey) -> bool:
    """Carry some bytes one way or the other; False when the stream is done."""
    try:
        if isinstance(key.data, _Output):
            data = os.read(key.fd, 65536)
            key.data.add(data)
            return bool(data)
        key.data.left = key.data.left[os.write(key.fd, key.data.left[:65536]) :]
    except BlockingIOError:
        return True
    except OSError:  # the command does not want to read it
        return False
    return bool(key.data.left)


def _has_ended(pid: int) -> bool:
    # WNOWAIT: it stays a zombie, so its pid, which names its group, cannot be given to a stranger before _end().
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes]) -> int | None:
    """End what is left of the group, reap the command, close its streams; its return code."""
    if not _has_ended(process.pid):
        _signal_group(process.pid, signal.SIGTERM)
        _await_end(process.pid, _TERM_GRACE)
    _signal_group(process.pid, signal.SIGKILL)
    _await_end(process.pid, _KILL_GRACE)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    with _lock:  # once it is reaped its pid may be reused: kill_all_children() must not know it any more
        del _running[process.pid]
        return process.poll()


def _await_end(pid: int, seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not _has_ended(pid) and time.monotonic() < give_up:
        time.sleep(_POLL / 10)


def _signal_group(pid: int, number: int) -> None:
    # Not there: all have ended. Not permitted: they run as somebody else, and only their own timeout helps.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
