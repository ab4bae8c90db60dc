# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that the kernel may never answer (name resolution, a dead mount) and that cannot be given a timeout."""

from __future__ import annotations

import threading
from typing import Callable, TypeVar

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock

T = TypeVar("T")


class Overdue(Exception):
    """The call did not return by its deadline; its thread is left to the kernel and does not keep the process alive."""


def call_by(deadline: float, clock: Clock, function: Callable[[], T]) -> T:
    """The function's value, or its exception, by ``deadline`` (a value of ``clock.monotonic``); else ``Overdue``."""
    values: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            values.append(function())
        except BaseException as error:  # noqa: BLE001 - handed to the caller below: a thread has nobody to raise to
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - clock.monotonic()))
    if errors:
        raise errors[0]
    if not values:
        raise Overdue
    return values[0]
