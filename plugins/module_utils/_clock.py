# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time as a port: engines take a clock, so that tests need not wait."""

from __future__ import annotations

import time


class Clock:
    """The real clock. ``monotonic`` and ``sleep`` in seconds; deadlines are values of ``monotonic``."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; zero or less does not wait."""
        if seconds > 0:
            time.sleep(seconds)

    def wall(self) -> float:
        """Seconds since the epoch, for records only."""
        return time.time()
