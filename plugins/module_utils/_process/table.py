# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process table, read from /proc without any program's help."""

from __future__ import annotations

import os

from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable


def read_table(proc: str = "/proc") -> ProcessTable:
    """All processes that this user may see, zombies included.

    A process that vanishes while it is read is left out. Text is decoded so that it can always be written as JSON.
    Raises OSError when ``proc`` itself cannot be listed.
    """
    processes = (read_process(pid, proc) for pid in list_pids(proc))
    return ProcessTable({process.pid: process for process in processes if process is not None})


def list_pids(proc: str = "/proc") -> list[int]:
    """The pids of this moment, ascending."""
    return sorted(int(name) for name in os.listdir(proc) if name.isdigit())


def read_process(pid: int, proc: str = "/proc") -> Process | None:
    """One process; None when it is not there, or was replaced by another one while it was read."""
    stat = read_stat(pid, proc)
    if stat is None:
        return None
    base = f"{proc}/{pid}"
    try:
        uid = _effective_uid(base)
        argv = _arguments(base)
    except (OSError, ValueError):
        return None
    process = Process(
        pid=pid,
        ppid=stat.ppid,
        start=stat.start,
        state=stat.state,
        argv=argv,
        exe=_link(f"{base}/exe"),
        cwd=_link(f"{base}/cwd"),
        uid=uid,
    )
    after = read_stat(pid, proc)
    return process if after is not None and after.start == stat.start else None


def _effective_uid(base: str) -> int:
    # Not the owner of the directory: that one is root for every process that changed its user without an exec.
    with open(f"{base}/status", "rb") as file:
        for line in file:
            if line.startswith(b"Uid:"):
                return int(line.split()[2])
    raise ValueError("a status file without Uid")


def _arguments(base: str) -> tuple[str, ...]:
    with open(f"{base}/cmdline", "rb") as file:
        data = file.read()
    # Programs that rewrite their title leave several zero bytes at its end.
    text = data.rstrip(b"\0").decode("utf-8", "replace")
    return tuple(text.split("\0")) if text else ()


def _link(path: str) -> str | None:
    try:
        return os.readlink(os.fsencode(path)).decode("utf-8", "replace")
    except OSError:
        return None
