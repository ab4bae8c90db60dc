# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of /proc/<pid>/stat, read so that a program's name cannot mislead."""

from __future__ import annotations

from dataclasses import dataclass

# Fields after the closing parenthesis of the name, counted from 0 (proc(5) counts from 1 and starts with the pid).
_STATE, _PPID, _PGRP, _SESSION, _START = 0, 1, 2, 3, 19
GONE = frozenset("ZXx")  # ended; at most an entry that waits for its parent


@dataclass(frozen=True)
class Stat:
    """What identifies a process and places it. ``start`` is in clock ticks since boot."""

    pid: int
    ppid: int
    group: int
    session: int
    start: int
    state: str

    @property
    def identity(self) -> tuple[int, int]:
        """Pid and start time."""
        return (self.pid, self.start)

    @property
    def gone(self) -> bool:
        """It has ended, even if its parent has not collected it yet."""
        return self.state in GONE


def parse_stat(data: bytes) -> Stat:
    """Read the content of a stat file.

    The name in parentheses may itself hold blanks, parentheses and line ends, therefore the LAST parenthesis counts.
    Raises ValueError when it is not such a line.
    """
    opening, closing = data.index(b"("), data.rindex(b")")
    fields = data[closing + 1 :].split()
    if len(fields) <= _START:
        raise ValueError("a stat line with too few fields")
    return Stat(
        pid=int(data[:opening]),
        ppid=int(fields[_PPID]),
        group=int(fields[_PGRP]),
        session=int(fields[_SESSION]),
        start=int(fields[_START]),
        state=fields[_STATE].decode("ascii"),
    )


def read_stat(pid: int, proc: str = "/proc") -> Stat | None:
    """The process's stat right now; None when there is no such process."""
    try:
        with open(f"{proc}/{pid}/stat", "rb") as file:
            return parse_stat(file.read())
    except (OSError, ValueError):
        return None
