# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else's process: stands there, writes down every signal that reaches it, and may hold a port.

Its arguments are a disguise. BYSTANDER_RECORD names the file for the signals, which exists as soon as it watches;
BYSTANDER_PORT and BYSTANDER_ANSWER (404, silent, impostor) the port that it holds.
"""

from __future__ import annotations

import http.server
import os
import signal
import socket
import time
from pathlib import Path

UNSEEN = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}


def main(record: Path, port: int, answer: str) -> None:
    """Stand there for ever."""

    def note(number: int, _frame: object) -> None:
        with record.open("a") as file:
            file.write(signal.Signals(number).name + "\n")

    for number in signal.valid_signals() - UNSEEN:
        if number < signal.SIGRTMIN:
            signal.signal(number, note)
    held = _hold(port, answer) if port else None
    record.write_text("")
    if isinstance(held, http.server.ThreadingHTTPServer):
        held.serve_forever()
    while True:
        time.sleep(3600)


def _hold(port: int, answer: str) -> object:
    if answer == "silent":
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        return listener

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if answer == "404" else 200)
            self.send_header("X-Intruder", "yes")
            self.end_headers()
            self.wfile.write(b'{"status": "healthy", "service": "somebody-else"}')

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    main(
        Path(os.environ["BYSTANDER_RECORD"]),
        int(os.environ.get("BYSTANDER_PORT", "0")),
        os.environ.get("BYSTANDER_ANSWER", ""),
    )
