# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that are healthy at this moment and yet do not stay so. Pure functions of what was observed.

A count of restarts proves nothing by itself: it may be of last month. It only says where to look longer, and what to
tell people; red is what dies while it is watched.
"""

from __future__ import annotations

from typing import Iterable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._managers import types as manager
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration

FRESH = 30.0  # seconds in which a process has yet to show that it stays
_LATELY = 300.0  # seconds for which its restarts are worth telling
_SEVERAL = 2  # one restart may be bad luck


def to_watch(seen: Iterable[t.Observation], stable_for: float) -> float:
    """For how many seconds a healthy host with young processes is watched; 0: not at all, as with ``stable_for`` 0.

    What its manager had to start again several times is watched until it is older than FRESH: lives of ten seconds look
    stable in every window of two.
    """
    young = [(each.age, each.manager.restarts) for each in seen if each.age is not None and each.age < FRESH]
    if not stable_for or not young:
        return 0.0
    return max([stable_for, *(FRESH - max(0.0, age) for age, restarts in young if restarts >= _SEVERAL)])


def restarted(seen: t.Observation) -> str:
    """What the manager tells of lives before this one, for people; empty when there is nothing to tell."""
    if seen.age is None or seen.age >= _LATELY or seen.manager.restarts < _SEVERAL:
        return ""
    ago = format_duration(max(0.0, seen.age))
    return f"ended and was started again {seen.manager.restarts} times, the last time {ago} ago"


def died_again(first: Mapping[str, t.Observation], last: Mapping[str, t.Observation]) -> dict[str, str]:
    """Of the services that their managers start again and again, those that have ended between two looks; in words.

    The second look may meet them down, starting or up again. What its manager has given up meanwhile is not meant.
    """
    return {
        name: f"ended again while it was watched, after {was.manager.restarts} restarts by its manager"
        for name, was in first.items()
        if was.managed and was.manager.restarts >= _SEVERAL and last[name].manager.state != manager.FAILED
        if was.managed[0].identity not in {process.identity for process in last[name].managed[:1]}
    }
