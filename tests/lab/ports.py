# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports for a lab that nobody else uses."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection

from names import NAMES


def free_ports(taken: Collection[int] = ()) -> int:
    """The first of as many free ports in a row as a lab needs; ``taken`` belong to labs that are not up yet."""
    for base in range(18100 + os.getpid() % 400 * 20, 60000, 20):
        if base in taken:
            continue
        try:
            for port in range(base, base + len(NAMES)):
                with socket.socket() as trial:
                    trial.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise RuntimeError("no free ports")
