# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as people type them: durations, sizes, truth values, counts of hosts."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min|m|h|d)")
_SIZE = re.compile(r"(\d{1,15})\s*(|B|KiB|MiB|GiB|TiB)")
_SIZES = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_TRUE = frozenset({"true", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "no", "n", "off", "0"})


class ValueProblem(IncidentError):
    """A value cannot be read; the message quotes it."""


def parse_duration(value: Any) -> float:
    """Seconds of ``3``, ``"3"``, ``"500ms"``, ``"15m"``, ``"1h30m"``; never negative."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    else:
        text = str(value).strip().lower()
        if re.fullmatch(r"\d+(\.\d+)?", text):
            seconds = float(text)
        else:
            parts = _PART.findall(text)
            if not parts or "".join(number + unit for number, unit in parts) != text:
                raise ValueProblem(f"{value!r} is not a duration.", "Write for example 500ms, 3s, 15m or 1h30m.")
            seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not 0 <= seconds < float("inf"):
        raise ValueProblem(f"{value!r} is not a duration.", "A duration is zero or more.")
    return seconds


def parse_size(value: Any) -> int:
    """Bytes of ``512MiB``, ``2GiB``, ``4096``; never negative."""
    found = _SIZE.fullmatch(str(value).strip())
    if found is None or isinstance(value, bool):
        raise ValueProblem(f"{value!r} is not a size.", "Write for example 64KiB, 512MiB or 2GiB.")
    return int(found[1]) * _SIZES[found[2]]


def parse_bool(value: Any) -> bool:
    """Truth of a value as extra-vars and AWX surveys deliver it: ``"false"`` is false, ``"maybe"`` an error."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueProblem(f"{value!r} is neither true nor false.", "Write true or false.")


def format_size(count: int) -> str:
    """``17 B``, ``1.4 KiB``, ``310.0 MiB``: short, for people."""
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def format_duration(seconds: float) -> str:
    """``0.4s``, ``12s``, ``2m05s``, ``1h02m``: short, for people."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    if seconds < 59.5:
        return f"{seconds:.0f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
