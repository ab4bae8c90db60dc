# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan in a process of its own, which answers in time even when a file system or an expression does not let go."""

from __future__ import annotations

import json
import os
import select
from typing import Any, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._apart import Tell, apart
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._logs.result import empty, to_result
from ansible_collections.toombos.incident.plugins.module_utils._logs.scan import Log, Scan, Wish

_EVERY = 1.0  # seconds between two interim results
_PIECE = 65536


def scan(wish: Wish, logs: Sequence[Log], seconds: float, clock: Clock) -> dict[str, Any]:
    """The result (see ``_logs.result``) within ``seconds``, of all logs or of what could be read until then."""
    started = clock.monotonic()
    # It stops by itself somewhat earlier, so that the last word is its own.
    soft = started + seconds - min(1.0, seconds / 5)
    with apart(lambda tell: _work(wish, logs, clock, started, soft, tell), clock) as reading:
        told = _last_line(reading, started + seconds, clock)
    if told is None:
        return empty([log.path for log in logs])
    result: dict[str, Any] = json.loads(told)
    if "problem" in result:
        raise IncidentError(f"The scan ended early: {result['problem']}.")
    return result


def _work(wish: Wish, logs: Sequence[Log], clock: Clock, started: float, deadline: float, tell: Tell) -> None:
    told_at = started

    def interim() -> None:
        nonlocal told_at
        now = clock.monotonic()
        if now - told_at >= _EVERY:
            told_at = now
            tell(to_result(work, now - started))

    work = Scan(wish, clock, deadline, interim)
    work.run(logs)
    tell(to_result(work, clock.monotonic() - started))


def _last_line(reading: int, deadline: float, clock: Clock) -> bytes | None:
    """The last whole line that comes until the end, or the deadline."""
    last, rest = None, b""
    while True:
        left = deadline - clock.monotonic()
        if left <= 0 or not select.select([reading], [], [], left)[0]:
            return last
        data = os.read(reading, _PIECE)
        if not data:
            return last
        *whole, rest = (rest + data).split(b"\n")
        last = whole[-1] if whole else last
