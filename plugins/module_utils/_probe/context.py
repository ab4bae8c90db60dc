# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kinds of probes share: the clock, /proc, and one look at the process table for many questions."""

from __future__ import annotations

import threading

from ansible_collections.toombos.incident.plugins.module_utils._bounded import call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_table
from ansible_collections.toombos.incident.plugins.module_utils._process.types import ProcessTable

_FRESH = 0.3  # seconds for which a process table answers further questions


class Context:
    """Ports of one run of probes."""

    def __init__(self, clock: Clock, *, proc: str = "/proc", defers: bool = False) -> None:
        self.clock = clock
        self.defers = defers  # whether somebody completes what this host cannot judge
        self.proc = proc
        self._lock = threading.Lock()
        self._table: ProcessTable | None = None
        self._read_at = 0.0

    def table(self, deadline: float) -> ProcessTable:
        """The process table, at most ``_FRESH`` seconds old. Raises Overdue: reading /proc can hang, too."""
        return call_by(deadline, self.clock, self._read)

    def _read(self) -> ProcessTable:
        with self._lock:
            now = self.clock.monotonic()
            if self._table is None or now - self._read_at > _FRESH:
                self._table = read_table(self.proc)
                self._read_at = now
            return self._table
