# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance mode of a host as it is wished: its end is set before anything of it is turned on."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import Any, Callable

from ansible_collections.toombos.incident.plugins.module_utils._deadman import deadline, types as deadman
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.place import Place, whose
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.plan import (
    AMEND,
    TURN_OFF,
    TURN_ON,
    Observed,
    Plan,
    Wish,
    make_plan,
    side,
)
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.switch import EXPIRE, turn_off, turn_on
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.types import Mode
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

_GONE = "It has ended in this moment."


@dataclass(frozen=True)
class Outcome:
    """The result of the module, without its options."""

    changed: bool
    state: str
    until: str
    message: str
    before: dict[str, Any]
    after: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As the module returns it."""
        return {
            "changed": self.changed,
            "state": self.state,
            "until": self.until,
            "msg": self.message,
            "diff": {"before": self.before, "after": self.after},
        }


def maintain(store: str, wish: Wish, apply: bool, wall: Callable[[], float] = time.time) -> Outcome:
    """Do what is wished; without ``apply`` only say what would be done.

    Raises IncidentError for what must not be done, and for what failed: what was half turned on is off again then, or
    the message says that it is not, and when its deadline turns it off.
    """
    place = Place(store)
    if not apply or (not wish.present and not os.path.isdir(store)):
        seen = observe(place, wish)
        return _outcome(seen, make_plan(seen, wish, wall()), "")
    deadline.settle(_deadlines(store))
    if wish.present:
        try:
            deadline.make_private(store)
        except OSError as error:
            raise IncidentError(f"{store} cannot be used: {error.strerror}.", "Run with become: true.") from error
    with place.locked():
        seen = observe(place, wish)
        plan = make_plan(seen, wish, wall())
        said = _apply(place, seen, plan)
    return _outcome(seen, plan, said)


def observe(place: Place, wish: Wish) -> Observed:
    """What is there. Reads only."""
    mode = place.read()
    flag = mode.switch.flag if mode else wish.switch.flag if wish.switch else None
    return Observed(mode, _status(place, mode), whose(flag, mode))


def _status(place: Place, mode: Mode | None) -> deadman.Status | None:
    if mode is None or not mode.token:
        return None
    try:
        return deadline.status(_deadlines(place.store), mode.token)
    except IncidentError:
        return None


def _apply(place: Place, seen: Observed, plan: Plan) -> str:
    """Exactly the plan; what is to be said beside it."""
    try:
        if plan.action == TURN_ON and plan.mode is not None:
            _begin(place, plan.mode, plan.seconds)
        elif plan.action == AMEND and plan.mode is not None:
            if plan.seconds and not deadline.extend(_deadlines(place.store), plan.mode.token, plan.seconds):
                raise IncidentError(_GONE, "Run again.")
            turn_on(place, plan.mode, plan.commands)
        elif plan.action == TURN_OFF and seen.mode is not None:
            said = turn_off(place, seen.mode)
            _call_off(place, seen.mode)
            return said
    except OSError as error:
        raise IncidentError(f"{error.filename or place.store}: {error.strerror}.", "Free some space?") from error
    return ""


def _begin(place: Place, mode: Mode, seconds: float) -> None:
    """Its deadline first. What then fails half-way is turned off again."""
    mode = replace(mode, id=os.urandom(8).hex())
    order = deadman.Order(
        purpose="maintenance",
        function=EXPIRE,
        arguments={"store": place.store, "mode_id": mode.id},
        seconds=seconds,
        who=mode.by,
        why=mode.reason,
    )
    mode = replace(mode, token=deadline.arm(_deadlines(place.store), order))
    try:
        turn_on(place, mode)
    except (IncidentError, OSError) as error:
        what, way_out = f"{error}.", "Correct incident_maintenance, or free some space."
        if isinstance(error, IncidentError):
            what, way_out = error.message, error.way_out
        raise IncidentError(f"{what} {_undone(place, mode)}", way_out) from error


def _undone(place: Place, mode: Mode) -> str:
    try:
        # What was written last, with what may stand in the flag.
        turn_off(place, place.read() or mode)
        _call_off(place, mode)
    except (IncidentError, OSError) as error:
        return f"It could NOT be turned off again ({error}); its deadline tries that at {moment(mode.until)}."
    return "What was turned on is off again."


def _call_off(place: Place, mode: Mode) -> None:
    if _status(place, mode) is not None:
        deadline.call_off(_deadlines(place.store), mode.token)


def _outcome(seen: Observed, plan: Plan, said: str) -> Outcome:
    until = moment(plan.mode.until) if plan.mode else ""
    state = "present" if plan.mode else "absent"
    message = f"{plan.message}; {said}" if said else plan.message
    return Outcome(plan.changed, state, until, message, side(seen.mode), side(plan.mode))


def _deadlines(store: str) -> str:
    return os.path.join(store, "deadlines")
