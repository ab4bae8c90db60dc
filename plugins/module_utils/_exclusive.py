# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock on an open file that the kernel gives back when its holder dies, with the holder's words for who must wait."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

_LOOK = 0.1  # seconds between two tries


def take(descriptor: int, patience: float, clock: Clock, *, shared: bool = False) -> bool:
    """Whether it is ours, after at most ``patience`` seconds. ``shared``: beside others like it. Raises OSError."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    end = clock.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.monotonic() >= end:
                return False
            clock.sleep(_LOOK)
        else:
            return True


def sign(descriptor: int, who: str, clock: Clock) -> None:
    """Say in the file who holds it. On a full disk it holds all the same, only without words."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        record = {"pid": os.getpid(), "since": moment(clock.wall()), "by": who}
        os.pwrite(descriptor, json.dumps(record).encode(), 0)


def holder(descriptor: int) -> str:
    """Who has signed, for a person."""
    try:
        record = json.loads(os.pread(descriptor, 4096, 0))
        return f"pid {record['pid']} since {record['since']}, started by {record['by']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "its holder is not known"
