# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends a regular expression that takes too long for one line."""

from __future__ import annotations

import re
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_TICK = 0.2  # seconds; what is at work on one line through two of them is too costly


class TooCostly(Exception):
    """The line would take too long."""


class Watch:
    """``search`` while a timer watches. Python's matcher lets signals through, in the first thread of a process only.

    Elsewhere nothing watches; the time of the whole call is limited all the same.
    """

    def __init__(self) -> None:
        self._line = 0
        self._busy = 0
        self._seen = -1
        self._before: Any = None

    def __enter__(self) -> Watch:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGALRM, self._tick)
            signal.setitimer(signal.ITIMER_REAL, _TICK, _TICK)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)

    def search(self, regex: re.Pattern[str], text: str) -> bool:
        """Whether it is found. Raises TooCostly."""
        self._line += 1
        self._busy = self._line
        try:
            return regex.search(text) is not None
        finally:
            self._busy = 0

    def _tick(self, _signal: int, _frame: FrameType | None) -> None:
        if self._busy and self._busy == self._seen:
            raise TooCostly
        self._seen = self._busy or -1
