# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of a lab: whatever runs below its directory without a terminal, so that nothing else is ever ended.

Written without the collection's own code: a test must not be judged by what it tests.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Running:
    """A live process. ``start`` in clock ticks since boot; ``state`` is of a moment, and makes it no other one."""

    pid: int
    start: int
    state: str = field(compare=False)
    ppid: int
    command: str


def below(directory: Path) -> list[Running]:
    """Every live process whose working directory is in the lab, except a person's shell or editor there."""
    found = [_read(int(name), str(directory)) for name in os.listdir("/proc") if name.isdigit()]
    return sorted((process for process in found if process), key=lambda process: process.pid)


def tree(root: int, running: list[Running]) -> list[Running]:
    """A process and its descendants."""
    found = [process for process in running if process.pid == root]
    for process in found:
        found += [child for child in running if child.ppid == process.pid]
    return found


def kill(processes: list[Running]) -> None:
    """SIGKILL, and wait until they are gone."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    until(lambda: not any(_alive(process) for process in processes), "the killed processes are gone")


def until(condition: object, what: str, seconds: float = 120.0) -> None:
    """Wait for a callable to be true; generous, as a busy machine takes long, and only what fails waits that long."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"it did not come to pass in {seconds:.0f}s that {what}")
        time.sleep(0.1)


def _alive(process: Running) -> bool:
    fields = _stat(process.pid)
    return fields is not None and int(fields[19]) == process.start and fields[0] not in "ZX"


def _read(pid: int, directory: str) -> Running | None:
    try:
        cwd = os.readlink(f"/proc/{pid}/cwd").removesuffix(" (deleted)")
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return None
    fields = _stat(pid)
    if fields is None or fields[0] in "ZX" or not (cwd == directory or cwd.startswith(directory + "/")):
        return None
    if fields[4] != "0":  # services are started without a terminal
        return None
    return Running(pid, int(fields[19]), fields[0], int(fields[1]), command)


def _stat(pid: int) -> list[str] | None:
    """The fields of stat from the state on."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return None
