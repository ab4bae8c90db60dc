# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that a capture has started, each in a process group of its own, so that all of them can be ended at once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from typing import Any, Sequence

_lock = threading.Lock()
_over = threading.Event()
_running: dict[int, subprocess.Popen[bytes]] = {}


def begin() -> None:
    """From now on programs can be started."""
    _over.clear()


def start(argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a program; ``options`` are those of Popen. Whoever starts it reaps it. Raises OSError."""
    with _lock:
        if _over.is_set():
            raise OSError("everything is being ended")
        process = subprocess.Popen(list(argv), start_new_session=True, **options)
        _running[process.pid] = process
    return process


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended. It stays a zombie, so its number, which names its group, cannot become a stranger's."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def wait(process: subprocess.Popen[bytes]) -> int | None:
    """Its return code, once it has ended."""
    if process.returncode is None:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return reap(process)


def reap(process: subprocess.Popen[bytes]) -> int | None:
    """Its return code; None for one that the kernel does not let go, which is left to it."""
    with _lock:
        _running.pop(process.pid, None)
        return process.poll()


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL everything in its group that is still there."""
    if process.returncode is None:  # else its number may be somebody else's by now
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def kill_all() -> None:
    """SIGKILL all groups, for the moment when everything is over: none can be started until ``begin`` is called."""
    with _lock:
        _over.set()
        for process in _running.values():
            kill(process)
