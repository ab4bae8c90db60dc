# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packet filters of a host as one: at the end of every step at most one of them holds rules of ours."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._containment.backend import Backend
from ansible_collections.toombos.incident.plugins.module_utils._containment.types import Flow
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError


class Filters:
    """``backends``: by name. Methods raise IncidentError."""

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        self._backends = backends

    def get(self, name: str) -> Backend:
        """The one with this name."""
        if name not in self._backends:
            raise IncidentError(f"There is no packet filter {name!r}.", "Was an older collection at work here?")
        return self._backends[name]

    def isolate(self, name: str, flows: tuple[Flow, ...]) -> str:
        """Put them in place; the listing of what is ours then. It is there before that of another one goes."""
        backend = self.get(name)
        backend.isolate(flows)
        listing = backend.ours()
        if not listing or not backend.intact(listing):
            raise IncidentError(f"{name} took the rules, and they are not in place.", "Who else is writing rules?")
        self._release(lambda other: other.name != name)
        return listing

    def release(self, held_by: str = "") -> None:
        """Nothing of ours is left in any of them.

        ``held_by``: the name of one that must be asked. The others are not where they do not work here, and one that
        fails just now looks the same: that the rules are gone must not be concluded from it.
        """
        self._release(lambda _backend: True, held_by)

    def present(self) -> str:
        """The name of one that holds rules of ours; empty when none does."""
        return next((backend.name for backend in self._usable() if backend.ours()), "")

    def counters(self) -> list[dict[str, Any]]:
        """What ours have counted."""
        return [row for backend in self._usable() if backend.ours() for row in backend.counters()]

    def others(self, names: Mapping[str, Any]) -> dict[str, str]:
        """By name, the rules of others."""
        return {name: self.get(name).others() for name in names}

    def _usable(self) -> list[Backend]:
        return [backend for backend in self._backends.values() if not backend.unusable()]

    def _release(self, which: Callable[[Backend], bool], held_by: str = "") -> None:
        for backend in self._backends.values():
            if not which(backend) or (backend.name != held_by and backend.unusable()):
                continue
            if backend.ours():
                backend.release()
                if backend.ours():
                    raise IncidentError(f"{backend.name} still holds rules of ours.", "Who else is writing rules?")


def cut(counters: list[dict[str, Any]]) -> int:
    """Packets that were dropped. What is behind ``comment`` is somebody's words."""
    return sum(row["packets"] for row in counters if "drop" in row["rule"].partition(" comment ")[0].lower().split())
