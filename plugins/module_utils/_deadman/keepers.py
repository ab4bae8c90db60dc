# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can keep the time on a host, and which of them does on this one."""

from __future__ import annotations

from typing import Mapping, Protocol

from ansible_collections.toombos.incident.plugins.module_utils._deadman.pair import Pair
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import Slot
from ansible_collections.toombos.incident.plugins.module_utils._deadman.systemd import Systemd


class Keeper(Protocol):
    """Sees to it that the program of a slot runs. ``reboot``: what a restart of the host means, for people."""

    name: str
    reboot: str

    def start(self, slot: Slot, python: str) -> str:
        """Let it run; returns where it does. Raises IncidentError or OSError."""

    def running(self, slot: Slot) -> bool:
        """Whether it runs."""

    def forget(self, slot: Slot) -> None:
        """Remove what was laid out for it; called by the program itself, at its end."""

    def dismiss(self, slot: Slot) -> None:
        """The same from outside, and the end of the program."""


KEEPERS: Mapping[str, Keeper] = {"systemd": Systemd(), "pair": Pair()}


def candidates() -> list[Keeper]:
    """Those that may work here, the best one first."""
    systemd = Systemd()
    return [*([systemd] if systemd.usable() else []), KEEPERS["pair"]]
