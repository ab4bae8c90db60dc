# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The circuit breaker of a service: how often it was started in the last hour, remembered on the host.

Closed: it may be started. Open: it was started as often as its limit allows, and is left alone until an hour after the
first of these starts. Half-open: then one try is allowed. If probes prove it healthy, the breaker closes; if not, or if
nobody could tell, it is open for another hour.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import Any, Callable, Iterable

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Service
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

HOUR = 3600.0


@dataclass(frozen=True)
class History:
    """Starts of the last hour, and when the one try of a half-open breaker was made (0: none since it was closed)."""

    starts: tuple[float, ...] = ()
    tried: float = 0.0

    def open_until(self, limit: int, now: float) -> float:
        """When the next start is allowed; 0 when it is now."""
        if self.tried:
            return self.tried + HOUR if now < self.tried + HOUR else 0.0
        return sorted(self.starts)[-limit] + HOUR if len(self.recent(now)) >= limit else 0.0

    def is_half_open(self, limit: int, now: float) -> bool:
        """It was open not long ago, its time has passed, and nothing was proven since."""
        was_open = bool(self.tried) or (len(self.starts) >= limit and now < self.starts[-1] + 2 * HOUR)
        return was_open and not self.open_until(limit, now)

    def recent(self, now: float) -> tuple[float, ...]:
        """The starts of the last hour."""
        return tuple(start for start in self.starts if now - HOUR < start)


class Budget:
    """Starts per service, kept in ``<state_dir>/starts.json`` as wall-clock seconds.

    An unreadable or damaged file counts as empty: a lost history must not keep a service down.
    """

    def __init__(self, state_dir: str, wall: Callable[[], float] = time.time) -> None:
        self._path = os.path.join(state_dir, "starts.json")
        self._wall = wall

    def exhausted(self, services: Iterable[Service]) -> dict[str, str]:
        """Services that may not be started now, with the sentence that says until when."""
        histories, now = self._read(), self._wall()
        found: dict[str, str] = {}
        for service in services:
            limit, history = service.limits.restarts_per_hour, histories.get(service.name, History())
            until = history.open_until(limit, now) if limit else 0.0
            if until:
                how = (
                    "the one try that was left has not helped"
                    if history.tried
                    else f"was already started {len(history.recent(now))} times within the hour (limit {limit})"
                )
                found[service.name] = (
                    f"{how}: its circuit breaker is open, next try after {moment(until)}, "
                    "or raise limits.restarts_per_hour, or break the glass: "
                    "-e break_glass=true -e \"reason='why and who'\""
                )
        return found

    def spend(self, service: Service) -> None:
        """Remember one start, before it happens: a run that is killed half-way has used it too."""
        histories, now = self._read(), self._wall()
        limit, history = service.limits.restarts_per_hour, histories.get(service.name, History())
        trial = bool(limit) and history.is_half_open(limit, now)
        starts = (*history.recent(now), now)
        histories[service.name] = History(starts, now if trial or history.tried else 0.0)
        self._write(histories)

    def prove(self, name: str) -> None:
        """Probes say that the service is healthy: a breaker that was half-open closes."""
        histories, now = self._read(), self._wall()
        if name in histories and histories[name].tried:
            histories[name] = History((now,))
            self._write(histories)

    def _write(self, histories: dict[str, History]) -> None:
        # A full disk must not keep a service down: then its starts are not counted.
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            content = {name: asdict(history) for name, history in histories.items()}
            write_atomic(self._path, json.dumps(content, sort_keys=True).encode())

    def _read(self) -> dict[str, History]:
        now = self._wall()
        try:
            with open(self._path, "rb") as handle:
                raw: Any = json.load(handle)
            return {str(name): _history(entry, now) for name, entry in raw.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return {}


def _history(raw: Any, now: float) -> History:
    """A clock that was set back must not freeze a service for ever: what lies in the future is forgotten."""
    starts = tuple(sorted(float(start) for start in raw["starts"] if float(start) <= now + HOUR))
    tried = float(raw["tried"])
    return History(starts, tried if tried <= now + HOUR else 0.0)
