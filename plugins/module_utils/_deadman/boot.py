# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time that deadlines are measured by: it goes on while the host sleeps, and nobody can set it."""

from __future__ import annotations

import time

from ansible_collections.toombos.incident.plugins.module_utils._managers.record import boot_id
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat


def boottime() -> float:
    """Seconds since the kernel was started, those of suspension included; a change of the date does not touch them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def this_boot() -> str:
    """The name of the time since the host was started.

    A container that is restarted keeps its kernel, and gets another first process.
    """
    first = read_stat(1)
    return f"{boot_id()}-{first.start if first else 0}"
