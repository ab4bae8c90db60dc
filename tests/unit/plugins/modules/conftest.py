# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of modules with real services share."""

from __future__ import annotations

import contextlib
import random
import socket
from typing import Callable

import pytest


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Ports below the range that the kernel lends to clients: nobody takes them before a service does. Each once."""
    given: set[int] = set()

    def find() -> int:
        while True:
            port = random.randrange(20000, 32000)
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
                if port not in given:
                    given.add(port)
                    return port

    return find
