# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery needs from the host it runs on, as one port."""

from __future__ import annotations

from typing import Protocol, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Service
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._config.types import Standing
from ansible_collections.toombos.incident.plugins.module_utils._managers.types import Manager
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Check, Probe
from ansible_collections.toombos.incident.plugins.module_utils._process.types import (
    Listener,
    Process,
    ProcessTable,
    StopResult,
)
from ansible_collections.toombos.incident.plugins.module_utils._recovery.temp import Cleared


class Host(Protocol):
    """The effects and senses of a recovery. Deadlines are values of ``clock.monotonic``."""

    clock: Clock

    def table(self) -> ProcessTable:
        """All processes now."""

    def listeners(self, ports: Sequence[int], table: ProcessTable) -> tuple[Listener, ...]:
        """Who listens on these ports."""

    def own(self, service: Service, table: ProcessTable) -> tuple[Process, ...]:
        """The processes that carry the service's identity."""

    def misowned(self, service: Service, table: ProcessTable) -> tuple[Process, ...]:
        """Processes that are the service in everything but the declared user; none where no user is declared."""

    def keeper(self, process: Process) -> str:
        """The systemd unit whose main process this is, and that would start it again; empty when there is none."""

    def age(self, process: Process) -> float:
        """Seconds since it was started."""

    def absent(self, paths: Sequence[str], deadline: float) -> tuple[str, ...]:
        """Those of the paths that are not there. One that does not answer in time is not called absent."""

    def manager(self, service: Service) -> Manager:
        """The adapter of the service's manager."""

    def probe(self, probes: Sequence[Probe], deadline: float) -> list[Check]:
        """One answer per probe, in order."""

    def config_error(self, service: Service, deadline: float) -> str:
        """The validator's objection, one redacted line; empty when it accepts or there is no validator."""

    def config_standing(self, service: Service, age: float | None) -> Standing:
        """What must be said of the configuration in place, for a service whose process is so many seconds old."""

    def last_error(self, service: Service) -> str:
        """The last error line of the service's logs, redacted."""

    def temp_entries(self, service: Service) -> int:
        """How many entries its declared temp paths name."""

    def clear_temp(self, service: Service) -> Cleared:
        """Remove them."""

    def end_processes(self, processes: Sequence[Process], grace: float) -> StopResult:
        """End the trees of these processes."""
