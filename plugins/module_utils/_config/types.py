# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the configuration of a service: frozen values, no logic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping


@dataclass(frozen=True)
class Standing:
    """What must be said of the configuration in place.

    ``fault``: what is wrong with it, where the running process was started on it or the next one would be; it never
    holds a value. ``fallback``: the last known good, in words, where that is not what is in place. ``unproven``: the
    running process was started on what is in place, and that is not known to be good.
    """

    fault: str = ""
    fallback: str = ""
    unproven: bool = False


@dataclass(frozen=True)
class Good:
    """The last known good configuration of a service, as it was in place when it was proven.

    ``generation``: its id. ``proven``: seconds since 1970. ``prints``: path → what stat(2) said of it, see ``good.py``.
    """

    generation: str
    proven: float
    prints: Mapping[str, str]
