# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping the time without systemd: two processes, each of which starts the other again.

They belong to no session, no terminal and, where that is possible, no control group of whoever set the deadline.
"""

from __future__ import annotations

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._deadman.boot import boottime
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import LOCKS, Slot
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._process.scope import Scope
from ansible_collections.toombos.incident.plugins.module_utils._process.spawn import spawn_detached

ROLES = {"0": LOCKS[1], "1": LOCKS[2]}
_PATIENCE = 15.0  # seconds until both are ready; machines may be busy when they are in trouble
_LOOK = 0.02


class Pair:
    """Two processes with the program of the slot."""

    name = "pair"
    reboot = "After a restart of the host it comes with the next call of this collection there."

    def start(self, slot: Slot, python: str) -> str:
        """Start those of the two that do not run; returns where they live. Raises IncidentError."""
        words = ""
        missing = [role for role, lock in ROLES.items() if not slot.held(lock)]
        for role in missing:
            words = start_one(slot, python, role)
        end = boottime() + _PATIENCE
        while not self.running(slot):
            if boottime() >= end:
                raise IncidentError(
                    f"The processes that were to keep the {slot.kind} did not start within {_PATIENCE:.0f} s.",
                    "Look at the load of the host and its limits of processes and memory.",
                )
            Clock().sleep(_LOOK)
        return words

    def running(self, slot: Slot) -> bool:
        """Whether both are at it."""
        return all(slot.held(lock) for lock in ROLES.values())

    def forget(self, slot: Slot) -> None:
        """Nothing: the processes see for themselves that it is over, and there is nothing else of them."""

    def dismiss(self, slot: Slot) -> None:
        """The same, from outside."""


def start_one(slot: Slot, python: str, role: str) -> str:
    """Start the process of that role; where it lives, in words."""
    clock = Clock()
    scope = Scope(f"{slot.kind}-{slot.id}", clock)
    argv = [python, "-I", slot.program, "keep", role]
    spawn_detached(argv, cwd="/", user=None, env={}, log=None, clock=clock, place=scope.take)
    return scope.words


def partner(role: str) -> str:
    """The other role."""
    return next(other for other in ROLES if other != role)
