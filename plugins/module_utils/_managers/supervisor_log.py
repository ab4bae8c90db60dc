# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""supervisord counts no restarts, but its own log tells them: a pure function of the end of that log."""

from __future__ import annotations

import re

WINDOW = 300.0  # seconds before the present start that count
TAIL = 16384  # bytes of the log that are asked for

_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ [A-Z]+ (spawned|exited|stopped|gave up): (.*)")


def restarts(log: str, name: str, pid: int) -> int:
    """How often the program ended by itself within WINDOW before the start of ``pid``.

    What was before somebody stopped it, or before supervisord gave it up, is another story and does not count. The log
    is written in supervisord's time zone, so that its moments are only compared with each other.
    """
    ends: list[str] = []
    for line in log.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        when, what, rest = found.groups()
        if what == "spawned" and rest == f"'{name}' with pid {pid}":
            return sum(0 <= _seconds(end, when) <= WINDOW for end in ends)
        if what == "exited" and rest.startswith(f"{name} ("):
            ends.append(when)
        elif what in ("stopped", "gave up") and rest.startswith(f"{name} "):
            ends.clear()
    return 0


def _seconds(earlier: str, later: str) -> float:
    from datetime import datetime  # only for what has just ended by itself

    try:
        began, ended = (datetime.strptime(f"{text} +0000", "%Y-%m-%d %H:%M:%S %z") for text in (later, earlier))
        return (began - ended).total_seconds()
    except ValueError:
        return -1.0
