# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the process manager remembers of a process that it started: enough to recognise exactly that one again."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import GONE
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process, ProcessTable

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


@dataclass(frozen=True)
class Record:
    """Identity, arguments and user of a process. Pid and start time count only within one boot."""

    pid: int
    start: int
    boot_id: str
    argv: tuple[str, ...]
    uid: int

    @classmethod
    def of(cls, process: Process) -> Record:
        """The record of a process that runs now."""
        return cls(process.pid, process.start, boot_id(), process.argv, process.uid)

    def find(self, table: ProcessTable) -> Process | None:
        """The recorded process itself if it is alive; never another one that got its pid."""
        process = self._entry(table)
        return None if process is None or process.state in GONE else process

    def find_uncollected(self, table: ProcessTable) -> Process | None:
        """What is left of the recorded process when it has ended, and its parent has not collected it."""
        process = self._entry(table)
        return process if process is not None and process.state in GONE else None

    def _entry(self, table: ProcessTable) -> Process | None:
        process = table.processes.get(self.pid)
        if process is None or process.identity != (self.pid, self.start) or self.boot_id != boot_id():
            return None
        return process


def boot_id() -> str:
    """The kernel's name for the time since the last boot."""
    with open(_BOOT_ID, encoding="ascii") as file:
        return file.read().strip()


def read_record(path: str) -> Record | None:
    """The record at ``path``; None when there is none or it is damaged: then the processes themselves must tell."""
    try:
        with open(path, encoding="utf-8") as file:
            fields: Any = json.load(file)
        argv = tuple(str(argument) for argument in fields["argv"])
        return Record(int(fields["pid"]), int(fields["start"]), str(fields["boot_id"]), argv, int(fields["uid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_record(path: str, record: Record) -> None:
    """Replace the record at ``path``. Raises OSError."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    write_atomic(path, (json.dumps(asdict(record)) + "\n").encode("utf-8"))
