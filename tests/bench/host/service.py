# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP service: service.py NAME PORT TEMP. Bare sockets, so that its own start costs next to nothing.

/health says who it is, /preview asks the ports of $ASKS, too. /sick makes it answer 503 until it is started anew and
leaves a temporary file behind; /down ends it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time

NAME, PORT, TEMP = sys.argv[1], int(sys.argv[2]), sys.argv[3]
ASKS = [int(port) for port in os.environ.get("ASKS", "").split()]
BORN = f"{os.getpid()}-{time.time()}"


def ask(port: int) -> bool:
    """Whether the service on that port is healthy."""
    with socket.create_connection(("127.0.0.1", port), 2) as line:
        line.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        return line.recv(64).startswith(b"HTTP/1.0 200")


def serve() -> None:
    """Answer one caller after the other."""
    sick = False
    listener = socket.create_server(("", PORT), backlog=64)
    while True:
        line = listener.accept()[0]
        line.settimeout(2)
        try:
            path = (line.recv(4096).split(b" ") + [b"", b""])[1].decode()
            if path == "/down":
                os._exit(0)
            if path == "/sick":
                sick = True
                open(os.path.join(TEMP, f"halcytone-{NAME}"), "w").close()
            good = not sick and (path != "/preview" or all(map(ask, ASKS)))
            answer = {"service": NAME, "status": "healthy" if good else "sick", "born": BORN, "temp": os.listdir(TEMP)}
            body = json.dumps(answer).encode()
            status = b"200 OK" if good else b"503 Service Unavailable"
            head = b"HTTP/1.0 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            line.sendall(head + body)
        except OSError:
            pass
        finally:
            line.close()


serve()
