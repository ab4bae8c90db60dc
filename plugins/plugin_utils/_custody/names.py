# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of incidents, and names of bags: ``INC-2026-1125-0001`` and ``INC-2026-1125-0001-web-1-001``."""

from __future__ import annotations

import datetime
import re

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._report_files import file_name

_INCIDENT = re.compile(r"INC-(\d{4})-(\d\d)(\d\d)-(\d{3,4})", re.ASCII)
_BAG = re.compile(r"(INC-\d{4}-\d{4}-\d{4})-([\w.-]{1,170})-(\d{3,6})", re.ASCII)
_COMPONENT = re.compile(r"[\w+=,@][\w.+=,@-]{0,199}", re.ASCII)
MOST = 9999  # incidents of one day


def read_incident(text: str) -> str:
    """The number as it is written everywhere: in capitals and with four digits at its end. Raises IncidentError."""
    found = _INCIDENT.fullmatch(text.strip().upper())
    try:
        if found:
            year, month, day, number = map(int, found.groups())
            datetime.date(year, month, day)
            return f"INC-{year:04d}-{month:02d}{day:02d}-{number:04d}"
    except ValueError:
        pass
    raise IncidentError(
        f"{text!r} is no number of an incident.",
        "Write it like INC-2026-1125-0001 (year, month, day, number), or leave it out to get the next one of today.",
    )


def incident_of(day: datetime.date, number: int) -> str:
    """The number of an incident that begins on this day."""
    return f"INC-{day:%Y-%m%d}-{number:04d}"


def bag_name(incident: str, host: str, number: int) -> str:
    """The name of a bag; the host's where it can be part of a file name, else something like it that no other has."""
    return f"{incident}-{file_name(host)}-{number:03d}"


def split_bag(name: str) -> tuple[str, str, int] | None:
    """Incident, host as it is in the name, and number; None for what is not the name of a bag."""
    found = _BAG.fullmatch(name)
    return (found[1], found[2], int(found[3])) if found else None


def is_safe_path(path: str) -> bool:
    """Whether a path within a bag can mean nothing else anywhere: relative, plain ASCII, nothing hidden, no ``..``."""
    return len(path) < 1024 and all(_COMPONENT.fullmatch(each) for each in path.split("/"))
