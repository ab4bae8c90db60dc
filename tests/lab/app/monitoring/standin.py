# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health endpoints of a monitoring tool, and nothing else: a stand-in where the tool itself cannot be had."""

from __future__ import annotations

import http.server
import json
import sys

ANSWERS = {
    "prometheus": {"/-/healthy": "Prometheus Server is Healthy.", "/-/ready": "Prometheus Server is Ready."},
    "alertmanager": {"/-/healthy": "OK", "/-/ready": "OK"},
    "grafana": {"/api/health": json.dumps({"database": "ok", "version": "stand-in"})},
    "loki": {"/ready": "ready"},
}


def main(name: str, port: int) -> None:
    """Serve for ever."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = ANSWERS[name].get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write((body or "not found").encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


main(sys.argv[1], int(sys.argv[2]))
