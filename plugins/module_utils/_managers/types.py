# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all managers have in common: they are observed, they start, they stop. They never judge health."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ansible_collections.toombos.incident.plugins.module_utils._process.types import ProcessTable

RUNNING = "running"
STARTING = "starting"
STOPPING = "stopping"
STOPPED = "stopped"
BACKOFF = "backoff"  # the manager keeps restarting it
FAILED = "failed"  # the manager has given up
FROZEN = "frozen"  # the manager has suspended it: it is there and does nothing
PARTIAL = "partial"  # of several replicas some do not run
UNKNOWN = "unknown"  # the manager did not answer, or does not know the service
RESUMABLE = frozenset({FROZEN, PARTIAL})  # a start is enough, and takes nothing down


@dataclass(frozen=True)
class ManagerState:
    """What a manager says of one service.

    ``available``: the manager itself answered. ``pid``: root of the service's process tree as the manager knows it,
    None when there is none. ``detail``: the manager's own words, one line, for people. ``members``: pids that belong to
    the service although they are not below ``pid``; ``others``: pids that the same manager keeps for other services;
    ``proxies``: pids of the manager's own helpers that hold the service's ports for it. ``notes``: what a person should
    know although it is no fault, each one line. ``restarts``: how often the manager tells that it had to start it again
    by itself; 0 where it does not tell, or nothing that matters for the process that runs now.
    """

    available: bool
    state: str
    pid: int | None = None
    detail: str = ""
    members: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    proxies: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    restarts: int = 0


class Manager(Protocol):
    """An adapter for one service. ``deadline`` is a value of the clock's ``monotonic``."""

    def observe(self, table: ProcessTable) -> ManagerState:
        """Ask, without changing anything; never raises for a manager that is gone (``available`` is False then)."""

    def start(self, deadline: float) -> str | None:
        """Request the start and return; already running or starting is fine. Readiness is the probes' matter.

        What a person should know of how it was started is returned, in a few words.
        Raises ManagerError when the manager refuses or is gone.
        """

    def stop(self, deadline: float) -> None:
        """Stop and return when the manager says it is stopped; already stopped is fine.

        Raises ManagerError when the manager refuses, is gone, or does not get there by the deadline.
        """
