# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that may hold a recovery back on its host: freeze, leases, circuit breakers; and the glass to break."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from typing import Callable, Iterable, Protocol, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Service
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.budget import Budget
from ansible_collections.toombos.incident.plugins.module_utils._recovery.freeze import Freeze, FreezeSwitch
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lease import Holder, Leases
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

_SPARE = 60.0  # seconds that a lease outlives the deadline of its run


class HeldBack(IncidentError):
    """A change that was about to be made must not be made any more."""


class Brakes(Protocol):
    """What the engine asks before it acts."""

    def barred(self, services: Iterable[Service]) -> dict[str, str]:
        """Services of which nothing may be changed, with the sentence that says why."""

    def exhausted(self, services: Iterable[Service]) -> dict[str, str]:
        """Services that may not be started, with the sentence that says until when."""

    def enter(self, names: Sequence[str], seconds: float) -> None:
        """Begin to change these services; it takes at most so long."""

    def check(self, name: str) -> None:
        """Asked before every step that changes the service. Raises HeldBack."""

    def spend(self, service: Service) -> None:
        """Count a start that is about to happen."""

    def prove(self, name: str) -> None:
        """Probes have proven the service healthy after a start."""

    def leave(self) -> None:
        """The run is over."""


@dataclass(frozen=True)
class Authority:
    """Who runs a recovery, why, and what they may override. ``freeze``: the inventory's reason to change nothing."""

    owner: str = "an unnamed run"
    reason: str = ""
    freeze: str = ""
    takeover: bool = False
    break_glass: bool = False


class HostBrakes:
    """The brakes of the host this code runs on, under its state directory."""

    def __init__(self, state_dir: str, authority: Authority, wall: Callable[[], float] = time.time) -> None:
        self._authority = authority
        self._wall = wall
        self._switch = FreezeSwitch(state_dir)
        self._leases = Leases(state_dir, wall)
        self._budget = Budget(state_dir, wall)
        self._journal = os.path.join(state_dir, "overrides.jsonl")
        self._holder = Holder.this_process(authority.owner, authority.reason)
        self._tokens: dict[str, int] = {}
        self.overrides: list[str] = []  # what the glass was broken for, or was taken over

    def barred(self, services: Iterable[Service]) -> dict[str, str]:
        """A freeze bars everything, a lease its service. Nobody breaks the glass of a freeze: it is thawed."""
        names = [service.name for service in services]
        freeze = self._freeze()
        if freeze:
            return dict.fromkeys(names, freeze.sentence)
        held = self._leases.held(names, self._holder)
        if self._authority.takeover:
            return {}
        return {name: lease.sentence for name, lease in held.items()}

    def exhausted(self, services: Iterable[Service]) -> dict[str, str]:
        """Open circuit breakers."""
        found = self._budget.exhausted(services)
        return {} if self._authority.break_glass else found

    def enter(self, names: Sequence[str], seconds: float) -> None:
        """Take the leases."""
        if not names:
            return
        held = self._leases.held(names, self._holder)
        taken = self._leases.take(names, self._holder, seconds + _SPARE, self._authority.takeover)
        for name, lease in held.items():
            if name in taken:
                self._record(f"took {name} over from {lease.holder.owner} ({lease.holder.reason or 'no reason given'})")
        self._tokens.update(taken)

    def check(self, name: str) -> None:
        """Frozen meanwhile, or overtaken by somebody with a higher token."""
        freeze = self._freeze()
        if freeze:
            raise HeldBack(f"{freeze.sentence}.")
        if name not in self._tokens:
            raise HeldBack(f"{name} is leased to somebody else.")
        newer = self._leases.overtaken(name, self._tokens[name])
        if newer is not None:
            who = f"{newer.holder.owner} ({newer.holder.reason or 'no reason given'})"
            raise HeldBack(f"{name} was taken over by {who} at {moment(newer.since)}.")

    def spend(self, service: Service) -> None:
        """Count the start; one beyond the limit is put on record."""
        said = self._budget.exhausted([service]).get(service.name)
        if said:
            self._record(f"started {service.name} past its circuit breaker: {said.partition(':')[0]}")
        self._budget.spend(service)

    def prove(self, name: str) -> None:
        """Close a half-open breaker."""
        self._budget.prove(name)

    def leave(self) -> None:
        """Give the leases back."""
        tokens, self._tokens = self._tokens, {}
        # What cannot be given back ends with this process anyway.
        with contextlib.suppress(IncidentError):
            if tokens:
                self._leases.release(tokens)

    def _freeze(self) -> Freeze | None:
        if self._authority.freeze:
            return Freeze(self._authority.freeze, by="the variable incident_freeze", thaw="Unset it when that is over")
        return self._switch.read(self._wall())

    def _record(self, what: str) -> None:
        """An override is remembered on the host, and named in the result even where that cannot be written."""
        self.overrides.append(what)
        line = {"at": moment(self._wall()), "by": self._authority.owner, "reason": self._authority.reason, "what": what}
        with contextlib.suppress(OSError), open(self._journal, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
