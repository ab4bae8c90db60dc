# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can isolate a host, and in which order it is tried."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Protocol

from ansible_collections.toombos.incident.plugins.module_utils._command import run_command
from ansible_collections.toombos.incident.plugins.module_utils._containment import types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.by_iptables import Iptables
from ansible_collections.toombos.incident.plugins.module_utils._containment.by_nft import Nftables
from ansible_collections.toombos.incident.plugins.module_utils._containment.commands import Run, Which, find_program


class Backend(Protocol):
    """Puts flows in place and takes them away. All but ``unusable`` raise IncidentError when it cannot be done."""

    name: str

    def unusable(self) -> str:
        """Why it does not work on this host; empty when it does."""

    def rehearse(self, flows: Iterable[t.Flow]) -> str:
        """The text that ``isolate`` would load, which the packet filter has checked. Changes nothing."""

    def isolate(self, flows: Iterable[t.Flow]) -> None:
        """Cut everything but the flows, or change nothing. An isolation that is there is replaced."""

    def release(self) -> None:
        """Take away what is ours, there or not, and nothing of others."""

    def ours(self) -> str:
        """What is ours, without what was counted; empty when nothing is there."""

    def others(self) -> str:
        """Everything that is not ours, without what was counted: the same before ``isolate`` and after ``release``."""

    def intact(self, expected: str) -> bool:
        """Whether ``ours`` is as expected, and nothing of others can let pass what it cuts."""

    def counters(self) -> list[dict[str, Any]]:
        """What was counted: ``chain``, ``rule``, ``packets``, ``bytes`` of each of our rules."""


def backends(run: Run = run_command, which: Which = find_program) -> Mapping[str, Backend]:
    """All of them, in order of preference, usable here or not."""
    found: tuple[Backend, ...] = (Nftables(run, which), Iptables(run, which))
    return {backend.name: backend for backend in found}
