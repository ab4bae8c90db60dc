# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that may never return."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock

CLOCK = Clock()


def test_value_and_exception_are_handed_on() -> None:
    assert call_by(CLOCK.monotonic() + 30, CLOCK, lambda: 42) == 42
    assert call_by(CLOCK.monotonic() + 30, CLOCK, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        call_by(CLOCK.monotonic() + 30, CLOCK, lambda: 1 / 0)


def test_a_call_that_hangs_is_left_behind() -> None:
    released = threading.Event()
    try:
        with pytest.raises(Overdue):
            call_by(CLOCK.monotonic() + 0.05, CLOCK, lambda: released.wait(60))
    finally:
        released.set()
