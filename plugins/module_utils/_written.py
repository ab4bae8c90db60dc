# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a line of a log was written, by the date at its beginning."""

from __future__ import annotations

import re
import time

# The time stands first, or behind one word: a level (ERROR …), or the name of a field (time=…, {"timestamp": "…).
_TIME = re.compile(
    r"\W{0,3}(?:[A-Za-z_@]{1,20}\W{1,8})?"
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?\s?(Z|[+-](?:0\d|1[0-4]):?[0-5]\d(?!\d))?"
)


def written_at(line: str) -> float | None:
    """When the line says that it was written, as seconds since the epoch; local time unless it names a zone."""
    stamp = _TIME.match(line)
    if stamp is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in stamp.groups()[:6])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        return None  # mktime would make a date of it all the same
    zone = stamp.group(7)
    try:
        if zone is None:
            return time.mktime((year, month, day, hour, minute, second, 0, 0, -1))
        import calendar

        offset = 0
        if zone != "Z":
            sign = -1 if zone[0] == "-" else 1
            offset = sign * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)
        return float(calendar.timegm((year, month, day, hour, minute, second, 0, 0, 0)) - offset)
    except (ValueError, OverflowError):
        return None
