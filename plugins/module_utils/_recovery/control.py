# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezing a host, or keeping single services for a person; and giving both back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.freeze import Freeze, FreezeSwitch
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lease import Holder, Leases
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

SHORTEST_REASON = 10
_HOLD = 3600.0  # seconds for which a person keeps a service without saying how long


@dataclass(frozen=True)
class Wish:
    """``services`` empty: the whole host. ``expires`` in seconds from now; 0: when thawed, or an hour for services."""

    frozen: bool
    services: tuple[str, ...] = ()
    owner: str = ""
    reason: str = ""
    expires: float = 0.0
    takeover: bool = False


@dataclass(frozen=True)
class Outcome:
    """Whether anything changes, and a line for people."""

    changed: bool
    message: str


def control(state_dir: str, wish: Wish, apply: bool, wall: Callable[[], float] = time.time) -> Outcome:
    """Do what is wished; without ``apply`` only say what would be done.

    Raises IncidentError for a freeze without a reason, and for services that somebody else holds.
    """
    if wish.frozen and len(wish.reason) < SHORTEST_REASON:
        raise IncidentError(
            f"A freeze needs a reason of at least {SHORTEST_REASON} characters.", "Say why, and who you are."
        )
    if wish.services:
        return (
            _hold(Leases(state_dir, wall), wish, apply, wall())
            if wish.frozen
            else _give_back(state_dir, wish, apply, wall)
        )
    return _freeze(FreezeSwitch(state_dir), wish, apply, wall())


def _freeze(switch: FreezeSwitch, wish: Wish, apply: bool, now: float) -> Outcome:
    current = switch.read(now)
    if not wish.frozen:
        if current and apply:
            switch.clear()
        return Outcome(
            current is not None, f"thawed; it was frozen by {current.by}: {current.reason}" if current else "not frozen"
        )
    wanted = Freeze(wish.reason, wish.owner, now, now + wish.expires if wish.expires else 0.0)
    if current and (current.reason, current.by) == (wanted.reason, wanted.by) and not (current.until or wanted.until):
        return Outcome(False, current.sentence)
    if apply:
        switch.set(wanted)
    return Outcome(True, wanted.sentence)


def _hold(leases: Leases, wish: Wish, apply: bool, now: float) -> Outcome:
    holder = Holder(wish.owner, wish.reason)
    others = leases.held(wish.services, holder)
    if others and not wish.takeover:
        raise IncidentError("; ".join(f"{name} {lease.sentence}" for name, lease in others.items()) + ".")
    seconds = wish.expires or _HOLD
    known = leases.all()
    mine = all(name in known and known[name].holder == holder and known[name].holds(now) for name in wish.services)
    # Held already, and for no longer than that: nothing to do, unless more time was asked for.
    if mine and not wish.expires:
        return Outcome(False, f"{', '.join(wish.services)}: held already")
    if apply:
        leases.take(wish.services, holder, seconds, wish.takeover)
    return Outcome(True, f"{', '.join(wish.services)}: held until {moment(now + seconds)}")


def _give_back(state_dir: str, wish: Wish, apply: bool, wall: Callable[[], float]) -> Outcome:
    leases = Leases(state_dir, wall)
    nobody = Holder("", "")
    # Only what a person holds: the lease of a run that is at work is not given back behind its back.
    held = {name: lease for name, lease in leases.held(wish.services, nobody).items() if not lease.holder.pid}
    strangers = [f"{name} {lease.sentence}" for name, lease in held.items() if lease.holder.owner != wish.owner]
    if strangers and not wish.takeover:
        raise IncidentError("; ".join(strangers) + ".")
    if apply and held:
        leases.release({name: lease.token for name, lease in held.items()})
    return Outcome(bool(held), f"given back: {', '.join(held)}" if held else "nobody held them")
