# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending processes: exactly those that a look at the host names, each by pid and start time."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Callable

from ansible_collections.toombos.incident.plugins.module_utils._access.logins import Look
from ansible_collections.toombos.incident.plugins.module_utils._access.types import Ending
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._process.kill import send_signal

Send = Callable[["tuple[int, int]", signal.Signals], bool]

_POLL = 0.1
_KILL_TIMEOUT = 5.0  # seconds for what was killed to be gone


@dataclass(frozen=True)
class Ended:
    """What was ended, and what did not die."""

    ended: tuple[Ending, ...]
    survivors: tuple[Ending, ...]


def end_all(look: Look, grace: float, clock: Clock, send: Send = send_signal) -> Ended:
    """SIGTERM to each, after ``grace`` seconds SIGKILL. What appears meanwhile is ended with it, for each look is new.

    A pid that belongs to another process by now is left alone. Never raises for a process.
    """
    told: dict[tuple[int, int], Ending] = {}
    since: dict[tuple[int, int], float] = {}
    give_up = clock.monotonic() + grace + _KILL_TIMEOUT
    while True:
        left = look(tuple(told)).endings
        now = clock.monotonic()
        if not left or now >= give_up:
            here = {(ending.pid, ending.start) for ending in left}
            return Ended(tuple(told[key] for key in told if key not in here), tuple(left))
        for ending in left:
            key = (ending.pid, ending.start)
            told.setdefault(key, ending)
            if key not in since:
                since[key] = now
                _signal(key, send, signal.SIGTERM, signal.SIGCONT)  # what is stopped could not act on it
            elif now >= since[key] + grace:
                _signal(key, send, signal.SIGKILL)
        clock.sleep(_POLL)


def _signal(key: tuple[int, int], send: Send, *numbers: signal.Signals) -> None:
    for number in numbers:
        try:
            send(key, number)
        except PermissionError:
            return  # it is told as a survivor
