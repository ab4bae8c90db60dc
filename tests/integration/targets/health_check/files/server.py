# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server that detaches, and says on standard output which process and port it is.

With a file "sick" in its working directory it answers 503.
"""

from __future__ import annotations

import http.server
import json
import os


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every GET with the service's identity."""

    def do_GET(self) -> None:
        """Answer."""
        body = b'{"service": "shop", "status": "healthy"}'
        self.send_response(503 if os.path.exists("sick") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Listen, detach, serve."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pid = os.fork()
    if pid:
        print(json.dumps({"pid": pid, "port": server.server_port}))
        return
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(quiet, descriptor)
    server.serve_forever()


if __name__ == "__main__":
    main()
