# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When services turned from healthy to sick and back, remembered on the host, so that one that flaps is called so.

The idea is Nagios': count changes of state, not bad states. Recoveries are rare and not evenly spaced, so that changes
of an hour are counted here, not the share of changes in the last 21 checks. Source:
https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/flapping.html
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any, Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic

HOUR = 3600.0
_FLAPS = 3  # changes within an hour
_MOST = 20  # changes that are kept of one service
_MOST_BYTES = 1 << 20  # of a file that is ours


class HealthHistory:
    """Moments of change per service, kept in ``<state_dir>/health.json`` as wall-clock seconds.

    What was never seen counts as healthy before. An unreadable or damaged file counts as empty.
    """

    def __init__(self, state_dir: str, wall: Callable[[], float] = time.time) -> None:
        self._path = os.path.join(state_dir, "health.json")
        self._wall = wall

    def remember(self, healthy: Mapping[str, bool]) -> None:
        """What a look has found: service → healthy or not. Nothing is written when that is as it was.

        One look at a time: the caller holds the host's lock.
        """
        entries, now = self._read(), self._wall()
        changed = [name for name, good in healthy.items() if good != _is_healthy(entries.get(name, ()))]
        if not changed:
            return
        for name in changed:
            entries[name] = (*entries.get(name, ()), (now, healthy[name]))[-_MOST:]
        kept = {name: changes for name, changes in entries.items() if not _is_over(changes, now)}
        # A full disk must not keep a recovery from reporting: then this change is not counted.
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            write_atomic(self._path, json.dumps(kept, sort_keys=True).encode())

    def flapping(self) -> dict[str, str]:
        """Services that have changed several times within the last hour, each with one sentence."""
        now = self._wall()
        lately = {
            name: [at for at, _good in changes if now - HOUR < at <= now] for name, changes in self._read().items()
        }
        return {
            name: f"changed {len(moments)} times in {max(1, round((now - min(moments)) / 60))} minutes"
            for name, moments in lately.items()
            if len(moments) >= _FLAPS
        }

    def _read(self) -> dict[str, tuple[tuple[float, bool], ...]]:
        try:
            with open(self._path, "rb") as file:
                raw: Any = json.loads(file.read(_MOST_BYTES))
            return {str(name): tuple((float(at), good is True) for at, good in each) for name, each in raw.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def _is_healthy(changes: tuple[tuple[float, bool], ...]) -> bool:
    return changes[-1][1] if changes else True


def _is_over(changes: tuple[tuple[float, bool], ...], now: float) -> bool:
    """Healthy, and for so long that it says nothing any more."""
    return _is_healthy(changes) and changes[-1][0] < now - HOUR
