# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done so that maintenance mode is as wished: a pure function of what was seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as deadman
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.place import FOREIGN, OURS
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.types import Mode, Switch
from ansible_collections.toombos.incident.plugins.module_utils._recovery.control import SHORTEST_REASON
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

LASTS = 3600.0  # seconds, where nothing else is said
LONGEST = 86400.0
KEEP, TURN_ON, AMEND, TURN_OFF = "keep", "turn_on", "amend", "turn_off"


@dataclass(frozen=True)
class Wish:
    """``expires``: seconds from now; 0: not said. ``switch``: needed to turn it on."""

    present: bool
    owner: str
    reason: str = ""
    expires: float = 0.0
    switch: Switch | None = None


@dataclass(frozen=True)
class Observed:
    """``deadline``: of the mode on record; None: there is none any more. ``flag``: OURS, FOREIGN or NONE."""

    mode: Mode | None
    deadline: deadman.Status | None
    flag: str

    @property
    def kept(self) -> bool:
        """Whether its end is still guaranteed."""
        return self.deadline is not None and self.deadline.state == deadman.ARMED and self.deadline.left > 0


@dataclass(frozen=True)
class Plan:
    """``action``: one of the four. ``mode``: as it is afterwards; of a new one without id and token.

    ``seconds``: until its end; 0: the end stays. ``commands``: those of the switch run (again).
    """

    action: str
    mode: Mode | None
    message: str
    seconds: float = 0.0
    commands: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return self.action != KEEP


def make_plan(seen: Observed, wish: Wish, now: float) -> Plan:
    """The plan. Raises IncidentError for what must not be done."""
    return _present(seen, wish, now) if wish.present else _absent(seen)


def side(mode: Mode | None) -> dict[str, Any]:
    """One side of the difference."""
    if mode is None:
        return {"state": "absent"}
    return {"state": "present", "until": moment(mode.until), "reason": mode.reason, "by": mode.by}


def _absent(seen: Observed) -> Plan:
    if seen.mode is None:
        foreign = "; a flag is there that is not ours, and stays" if seen.flag == FOREIGN else ""
        return Plan(KEEP, None, f"maintenance mode is off{foreign}")
    return Plan(
        TURN_OFF, None, f"maintenance mode is off; it was on since {moment(seen.mode.since)}: {seen.mode.reason}"
    )


def _present(seen: Observed, wish: Wish, now: float) -> Plan:
    switch = _checked(seen, wish)
    mode = seen.mode
    if mode is None or not seen.kept:
        seconds = wish.expires or LASTS
        old = mode or Mode("", now, 0.0, "", "", "", switch)
        new = replace(old, id="", token="", until=now + seconds, reason=wish.reason, by=wish.owner, complete=False)
        return Plan(TURN_ON, new, _words(new), seconds, commands=True)
    same = mode.reason == wish.reason and mode.complete and (switch.flag is None or seen.flag == OURS)
    if same and not wish.expires:
        return Plan(KEEP, mode, _words(mode))
    new = replace(mode, reason=wish.reason, by=wish.owner)
    if wish.expires:
        new = replace(new, until=now + wish.expires)
    return Plan(AMEND, new, _words(new), wish.expires, commands=not mode.complete)


def _checked(seen: Observed, wish: Wish) -> Switch:
    """The switch that is to be turned on. Raises IncidentError."""
    if len(wish.reason) < SHORTEST_REASON:
        raise IncidentError(
            f"Maintenance mode needs a reason of at least {SHORTEST_REASON} characters.", "Say why, and who you are."
        )
    if wish.expires > LONGEST:
        raise IncidentError("Maintenance mode lasts for 24 hours at most.", "Extend it when it is about to end.")
    if wish.switch is None:
        raise IncidentError("It is not declared what turns maintenance mode on.", "Declare incident_maintenance.")
    if seen.deadline is not None and seen.deadline.state == deadman.FIRING:
        raise IncidentError("Maintenance mode is being turned off by its deadline.", "Wait a moment and run again.")
    if seen.flag == FOREIGN and wish.switch.flag is not None:
        raise IncidentError(
            f"The flag {wish.switch.flag.path} is there, and is not ours: somebody else has put it there.",
            "Remove it, or leave maintenance mode to them.",
        )
    if seen.mode is not None and seen.mode.switch != wish.switch:
        raise IncidentError(
            "Maintenance mode is on, by another switch than incident_maintenance declares now.", "Turn it off first."
        )
    return wish.switch


def _words(mode: Mode) -> str:
    who = f" by {mode.by}" if mode.by else ""
    return f"maintenance mode is on{who} until {moment(mode.until)}: {mode.reason}"
