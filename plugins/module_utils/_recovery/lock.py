# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One recovery at a time on a host: a lock that the kernel gives back when its holder dies."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._exclusive import holder, sign, take


class Locked(IncidentError):
    """Another recovery is at work on this host."""


@contextmanager
def recovery_lock(
    state_dir: str,
    who: str,
    takeover: bool = False,
    *,
    patience: float = 0.0,
    clock: Clock | None = None,
    what: str = "recovery",
) -> Iterator[None]:
    """Hold ``<state_dir>/<what>.lock`` or raise Locked with the holder's own words.

    ``patience``: seconds to wait for the holder. Whoever starts again after the connection was cut meets the recovery
    that the lost one left behind, about to finish its work.
    ``takeover``: go on beside a holder that is perhaps hung; the leases of the services see to it that it cannot act
    any more. Raises IncidentError when the directory cannot be used.
    """
    path = os.path.join(state_dir, f"{what}.lock")
    try:
        os.makedirs(state_dir, mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise IncidentError(
            f"{path} cannot be opened: {error.strerror}.",
            "Run with become: true, or name a directory that may be written to in incident_state_dir.",
        ) from error
    try:
        clock = clock or Clock()
        if not _taken(descriptor, path, 0.0 if takeover else patience, clock):
            if takeover:
                yield
                return
            raise Locked(
                f"Another {what} is at work on this host ({holder(descriptor)}).",
                "Wait until it has ended and run again; the lock goes away with its process. If it hangs: "
                "-e takeover=true -e \"reason='why and who'\".",
            )
        sign(descriptor, who, clock)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int, path: str, patience: float, clock: Clock) -> bool:
    try:
        return take(descriptor, patience, clock)
    except OSError as error:
        raise IncidentError(
            f"{path} cannot be locked: {error.strerror}.",
            "Name a directory of a local file system in incident_state_dir.",
        ) from error
