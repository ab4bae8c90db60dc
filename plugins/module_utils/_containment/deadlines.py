# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deadline at which an isolation ends by itself, as the engine needs it."""

from __future__ import annotations

import os
from typing import Any, Mapping, Protocol

from ansible_collections.toombos.incident.plugins.module_utils._deadman import deadline, types as d
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import Slot
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

PURPOSE = "containment"
FOLDER = "deadlines"


class Deadlines(Protocol):
    """Sets deadlines, and says how they stand."""

    def arm(self, seconds: float, arguments: Mapping[str, Any], who: str, why: str) -> str:
        """Its token. Raises IncidentError: then nothing is armed."""

    def call_off(self, token: str) -> bool:
        """Whether that was in time. Raises IncidentError: then it is in force."""

    def status(self, token: str) -> d.Status:
        """Raises IncidentError for one that is not of this host."""

    def state(self, identity: str) -> str:
        """Of the one with this id; empty where there is none any more."""

    def until(self, identity: str) -> str:
        """When the one with this id comes, for people; empty where there is none any more."""

    def settle(self) -> None:
        """What is overdue happens now, and what nobody keeps is kept again."""


class HostDeadlines:
    """Those of this host. ``function``: what happens, see ``Order``; it gets the two directories as well."""

    def __init__(self, store_dir: str, state_dir: str, function: str) -> None:
        self._directory = os.path.join(store_dir, FOLDER)
        self._places = {"store_dir": store_dir, "state_dir": state_dir}
        self._function = function

    def arm(self, seconds: float, arguments: Mapping[str, Any], who: str, why: str) -> str:
        """See ``Deadlines``."""
        order = d.Order(PURPOSE, self._function, {**self._places, **arguments}, seconds, who=who, why=why, limit=60.0)
        return deadline.arm(self._directory, order)

    def call_off(self, token: str) -> bool:
        """See ``Deadlines``."""
        return deadline.call_off(self._directory, token)

    def status(self, token: str) -> d.Status:
        """See ``Deadlines``."""
        return deadline.status(self._directory, token)

    def state(self, identity: str) -> str:
        """See ``Deadlines``."""
        return state_of(self._directory, identity)

    def until(self, identity: str) -> str:
        """See ``Deadlines``."""
        return next((moment(one.deadline) for one in deadline.orders(self._directory) if one.id == identity), "")

    def settle(self) -> None:
        """See ``Deadlines``."""
        deadline.settle(self._directory)


def state_of(directory: str, identity: str) -> str:
    """How the deadline with this id stands; empty where there is none any more."""
    try:
        return Slot(os.path.join(directory, identity)).state()[0]
    except OSError:
        return ""
