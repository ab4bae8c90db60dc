# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One start or stop of a service at a time on a host, whoever asks; the kernel frees the lock when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import ManagerError

_POLL = 0.05


@contextlib.contextmanager
def service_lock(path: str, *, deadline: float, clock: Clock) -> Iterator[None]:
    """Hold the lock file at ``path``. Raises ManagerError when another holds it until the deadline."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        while not _try(handle):
            if clock.monotonic() >= deadline:
                raise ManagerError(
                    f"Another run is starting or stopping this service (lock {path}).",
                    "Wait until it has ended and run again.",
                )
            clock.sleep(_POLL)
        yield
    finally:
        os.close(handle)


def _try(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
