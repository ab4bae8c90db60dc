# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restart budget: how often a service was started in the last hour, remembered on the host."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any, Callable, Iterable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Service

HOUR = 3600.0


class Budget:
    """Starts per hour and service, kept in ``<state_dir>/starts.json`` as wall-clock seconds.

    An unreadable or damaged file counts as empty: a lost history must not keep a service down.
    """

    def __init__(self, state_dir: str, wall: Callable[[], float] = time.time) -> None:
        self._path = os.path.join(state_dir, "starts.json")
        self._wall = wall

    def exhausted(self, services: Iterable[Service]) -> dict[str, str]:
        """Services that may not be started now, with the sentence that says until when."""
        history = self._recent()
        found: dict[str, str] = {}
        for service in services:
            limit = service.limits.restarts_per_hour
            starts = history.get(service.name, [])
            if limit and len(starts) >= limit:
                until = time.strftime("%H:%M:%SZ", time.gmtime(sorted(starts)[-limit] + HOUR))
                found[service.name] = (
                    f"was already started {len(starts)} times within the hour (limit {limit}); next try after {until}, "
                    "or raise limits.restarts_per_hour"
                )
        return found

    def spend(self, name: str) -> None:
        """Remember one start."""
        history = self._recent()
        history.setdefault(name, []).append(self._wall())
        # A full disk must not keep a service down: then its starts are not counted.
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            write_atomic(self._path, json.dumps(history, sort_keys=True).encode())

    def _recent(self) -> dict[str, list[float]]:
        now = self._wall()
        return {name: recent for name, starts in self._read().items() if (recent := _within(starts, now))}

    def _read(self) -> dict[str, Any]:
        try:
            with open(self._path, "rb") as handle:
                content = json.load(handle)
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def _within(starts: Any, now: float) -> list[float]:
    """The starts of the last hour; a clock that was set back must not freeze a service for ever."""
    listed: Sequence[Any] = starts if isinstance(starts, list) else []
    return [
        float(moment) for moment in listed if isinstance(moment, (int, float)) and now - HOUR < moment <= now + HOUR
    ]
