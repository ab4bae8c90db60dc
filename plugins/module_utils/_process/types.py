# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of processes: identity is pid and start time together, because pids are reused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping


@dataclass(frozen=True)
class Process:
    """One process as /proc told. ``start`` is field 22 of stat: clock ticks since boot.

    ``exe`` and ``cwd`` are None where they cannot be read; a deleted target keeps the kernel's " (deleted)".
    """

    pid: int
    ppid: int
    start: int
    state: str  # one letter: R S D T t Z X ...
    argv: tuple[str, ...]
    exe: str | None
    cwd: str | None
    uid: int

    @property
    def identity(self) -> tuple[int, int]:
        """Pid and start time: stays the same for the life of the process, never comes again."""
        return (self.pid, self.start)

    @property
    def command_line(self) -> str:
        """The arguments joined with blanks, for people and for ``match``."""
        return " ".join(self.argv)


@dataclass(frozen=True)
class ProcessTable:
    """All processes at one moment, by pid."""

    processes: Mapping[int, Process]

    def tree(self, pid: int) -> tuple[Process, ...]:
        """The process and all its descendants, parents before children; empty when it is not there."""
        children: dict[int, list[int]] = {}
        for process in self.processes.values():
            children.setdefault(process.ppid, []).append(process.pid)
        found: list[Process] = []
        waiting = [pid] if pid in self.processes else []
        seen: set[int] = set()
        while waiting:
            current = waiting.pop(0)
            if current in seen:
                continue
            seen.add(current)
            found.append(self.processes[current])
            waiting.extend(sorted(children.get(current, ())))
        return tuple(found)


@dataclass(frozen=True)
class Listener:
    """A TCP socket in LISTEN, and the processes that hold it (empty where that cannot be read)."""

    port: int
    address: str
    pids: tuple[int, ...]
    uid: int


@dataclass(frozen=True)
class StopResult:
    """What ending a set of process trees did. Pids, in the order they were first signalled."""

    terminated: tuple[int, ...]  # got SIGTERM
    killed: tuple[int, ...]  # needed SIGCONT + SIGKILL
    survivors: tuple[int, ...]  # still there at the deadline (for example in state D)
    changed: bool
