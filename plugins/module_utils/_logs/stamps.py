# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When lines of logs were written, in the formats that logs have."""

from __future__ import annotations

import re
import time

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._values import ValueProblem, parse_duration
from ansible_collections.toombos.incident.plugins.module_utils._written import written_at

_HEAD = 512  # characters of a line in which its time stands
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = "(" + "|".join(_MONTHS) + ")"
_SYSLOG = re.compile(rf"(?:<\d{{1,3}}>)?{_MONTH} ([ \d]\d) (\d\d):(\d\d):(\d\d)\s")
_ACCESS = re.compile(rf"[^\[]{{0,200}}\[(\d\d)/{_MONTH}/(\d{{4}}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\]")
_JSON = re.compile(
    r"""["'](?:@?timestamp|time|ts|asctime|datetime|date)["']\s*:\s*(?:["'](?P<text>[^"']{10,40})|(?P<number>\d{10,13}(?:\.\d+)?))"""
)
_DAY = 86400.0


def moment(line: str, now: float) -> float | None:
    """Seconds since the epoch at which the line says that it was written; None when it does not say.

    Known are dates at its beginning (``2026-11-23 14:45:54``, ISO 8601), a field of JSON (text or seconds), syslog
    and access logs. Without a zone it is the local time. ``now``: syslog does not name the year.
    """
    head = line[:_HEAD]
    found = written_at(head)
    if found is not None or not head:
        return found
    if head[0] in "{['\"":
        return _of_json(head)
    if head[0].isupper() or head[0] == "<":
        syslog = _of_syslog(head, now)
        if syslog is not None:
            return syslog
    return _of_access(head)


def since(value: str, now: float) -> float:
    """Seconds since the epoch of ``2h`` (ago) or of a moment (``2026-11-23 14:45``). Raises IncidentError."""
    text = value.strip()
    try:
        return now - parse_duration(text)
    except ValueProblem:
        pass
    padded = next((text + rest for size, rest in ((10, " 00:00:00"), (16, ":00")) if len(text) == size), text)
    found = written_at(padded)
    if found is None:
        raise IncidentError(
            f"since: {value!r} is neither a duration nor a moment.",
            "Write for example 15m, 2h, 2026-11-23 14:45 or 2026-11-23T14:45:54Z.",
        )
    return found


def as_text(seconds: float | None) -> str | None:
    """``2026-11-23T14:45:54Z``."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _of_json(head: str) -> float | None:
    field = _JSON.search(head)
    if field is None:
        return None
    if field["text"]:
        return written_at(field["text"])
    number = float(field["number"])
    return number / 1000 if number > 1e11 else number


def _of_syslog(head: str, now: float) -> float | None:
    found = _SYSLOG.match(head)
    if found is None:
        return None
    month = _MONTHS.index(found[1]) + 1
    year, rest = time.localtime(now).tm_year, f"-{month:02d}-{int(found[2]):02d} {found[3]}:{found[4]}:{found[5]}"
    when = written_at(f"{year}{rest}")
    # What lies in the future was written last year.
    return when if when is None or when <= now + _DAY else written_at(f"{year - 1}{rest}")


def _of_access(head: str) -> float | None:
    found = _ACCESS.match(head)
    if found is None:
        return None
    month = _MONTHS.index(found[2]) + 1
    return written_at(
        f"{found[3]}-{month:02d}-{found[1]} {found[4]}:{found[5]}:{found[6]}{found[7]}{found[8]}{found[9]}"
    )
