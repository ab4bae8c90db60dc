# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shell that an attacker holds open: ``shell.py serve PORT`` on the victim, ``shell.py hold HOST PORT FILE`` outside.

Whoever holds it counts the answers in FILE, one every tenth of a second.
"""

from __future__ import annotations

import socket
import sys
import time


def serve(port: int) -> None:
    """Answer everybody to the letter."""
    with socket.create_server(("", port)) as server:
        while True:
            other, _address = server.accept()
            with other:
                while word := other.recv(1):
                    other.sendall(word)


def hold(host: str, port: int, path: str) -> None:
    """One connection, as long as it lasts."""
    beats = 0
    with socket.create_connection((host, port)) as other:
        while True:
            other.sendall(b"x")
            if not other.recv(1):
                return
            beats += 1
            with open(path, "w", encoding="ascii") as file:
                file.write(str(beats))
            time.sleep(0.1)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    hold(sys.argv[2], int(sys.argv[3]), sys.argv[4])
