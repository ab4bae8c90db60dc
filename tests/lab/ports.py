# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports for a lab that nobody else uses."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from pathlib import Path

from names import NAMES

_held: list[int] = []  # open files whose locks say which ports belong to this process, up or not yet


def free_ports() -> int:
    """The first of as many free ports in a row as a lab needs; no other lab gets them while this process lives."""
    for base in range(18100 + os.getpid() % 400 * 20, 60000, 20):
        if _reserve(base):
            return base
    raise RuntimeError("no free ports")


def _reserve(base: int) -> bool:
    """Take the ports for this process, unless another lab has them or somebody listens there."""
    # Nobody listens on the ports of a lab that is about to start: only a lock tells threads and processes of it.
    lock = os.open(Path(tempfile.gettempdir()) / f"lab-ports-{os.getuid()}-{base}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for port in range(base, base + len(NAMES)):
            with socket.socket() as trial:
                trial.bind(("127.0.0.1", port))
    except OSError:
        os.close(lock)
        return False
    _held.append(lock)
    return True
