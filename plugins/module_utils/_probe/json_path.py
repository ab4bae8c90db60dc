# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in a JSON document, by dotted path."""

from __future__ import annotations

import json
import math
from typing import Any, Mapping

MISSING: Any = object()
_LONG = 200


def find(document: Any, path: str) -> Any:
    """The value under ``a.0.b`` (keys, and indices of lists), or MISSING."""
    value = document
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return value


def same(value: Any, accepted: Any) -> bool:
    """Equality as JSON means it: true is not 1, and 1 is 1.0."""
    if isinstance(value, bool) or isinstance(accepted, bool):
        return value is accepted
    return bool(value == accepted)


def show(value: Any) -> Any:
    """The value for a report: plain values as they are, everything else and long text as a short line."""
    if isinstance(value, str):
        return value[:_LONG]
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return json.dumps(value)[:_LONG]
