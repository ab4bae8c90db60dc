# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine with the real parts of this host, under the lock of its containment."""

from __future__ import annotations

import contextlib
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._containment.backend import backends
from ansible_collections.toombos.incident.plugins.module_utils._containment.deadlines import HostDeadlines
from ansible_collections.toombos.incident.plugins.module_utils._containment.engine import Containment
from ansible_collections.toombos.incident.plugins.module_utils._containment.filters import Filters
from ansible_collections.toombos.incident.plugins.module_utils._containment.record import Records
from ansible_collections.toombos.incident.plugins.module_utils._containment.watch import LOCK
from ansible_collections.toombos.incident.plugins.module_utils._containment.watching import HostWatch
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import recovery_lock


class Host:
    """``function``: what its deadlines call, see ``Order``."""

    def __init__(self, store_dir: str, state_dir: str, function: str = "") -> None:
        self.clock = Clock()
        self.state_dir = state_dir
        self.records = Records(store_dir)
        self.backends = backends()
        self.filters = Filters(self.backends)
        self.deadlines = HostDeadlines(store_dir, state_dir, function)
        self.watch = HostWatch(store_dir, state_dir)
        self.engine = Containment(self.records, self.filters, self.deadlines, self.watch, self.clock)

    @contextlib.contextmanager
    def locked(self, who: str, patience: float, *, takeover: bool = False) -> Iterator[None]:
        """One change of the containment at a time. ``takeover``: after that patience whoever holds it is hung, and
        where there can be no lock that is no reason not to go back. Raises IncidentError otherwise.
        """
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(recovery_lock(self.state_dir, who, patience=patience, clock=self.clock, what=LOCK))
            except IncidentError:
                if not takeover:
                    raise
            yield
