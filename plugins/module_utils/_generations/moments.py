# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates and times as people type them, and when they are over."""

from __future__ import annotations

import calendar
import re
import time

_MOMENT = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:[Tt ](?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<fraction>[.,]\d{1,9})?)?)?"
    r"\s?(?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?)?"
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)")


class NoDate(ValueError):
    """It is written as a date or time, and there is none such."""


def end_of(word: str) -> float | None:
    """When the day, hour, minute or second that it names is over (seconds since 1970); None for what is no date.

    Local time of the host unless it names a zone. Raises NoDate for the like of 2026-02-30.
    """
    found = _MOMENT.fullmatch(word)
    if found is None:
        return None
    day = (int(found["year"]), int(found["month"]), int(found["day"]))
    clock = [found["hour"], found["minute"], found["second"]]
    given = sum(part is not None for part in clock)
    hour, minute, second = (int(part or 0) for part in clock)
    if not is_date(*day) or hour > 23 or minute > 59 or second > 60:
        raise NoDate(word)
    if found["fraction"]:
        return _seconds((*day, hour, minute, second), found["zone"]) + _after(found["fraction"][1:])
    if not given:  # a day has not always 24 hours
        return _seconds((day[0], day[1], day[2] + 1, 0, 0, 0), None)
    return _seconds((*day, hour, minute, second), found["zone"]) + (3600.0, 60.0, 1.0)[given - 1]


def start_of_day(digits: str) -> float | None:
    """Midnight (local time, seconds since 1970) at which the day YYYYMMDD begins; None when there is none such."""
    found = _COMPACT.fullmatch(digits)
    if found is None:
        return None
    day = (int(found[1]), int(found[2]), int(found[3]))
    return _seconds((*day, 0, 0, 0), None) if is_date(*day) else None


def is_date(year: int, month: int, day: int) -> bool:
    """Whether there is such a day."""
    return 1 <= month <= 12 and year >= 1970 and 1 <= day <= calendar.monthrange(year, month)[1]


def _after(fraction: str) -> float:
    return float(f"0.{fraction}") + float(f"1e-{len(fraction)}")


def _seconds(moment: tuple[int, int, int, int, int, int], zone: str | None) -> float:
    if zone is None:
        return time.mktime((*moment, 0, 0, -1))
    offset = 0
    if zone not in "Zz":
        hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
        offset = (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)
    return float(calendar.timegm((*moment, 0, 0, 0)) - offset)
