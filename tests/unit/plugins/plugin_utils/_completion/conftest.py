# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server that answers with JSON, and hosts without jmespath."""

from __future__ import annotations

import http.server
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest


class Server:
    """Answers every GET with ``body`` as JSON and with ``status``."""

    def __init__(self) -> None:
        self.body: Any = {"items": [{"state": "fine"}, {"state": "stuck"}], "note": "kept at home"}
        self.status = 200
        self.asked, self.delay = 0, 0.0
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked += 1
                time.sleep(server.delay)
                body = json.dumps(server.body).encode()
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_ignored: Any) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def probe(self, expression: str, value: Any, **more: Any) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.http.server_port}/"
        return {"kind": "http", "url": url, "expect": {"jmespath": {expression: value}}, "period": "100ms", **more}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def without_jmespath(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Call something as on a host, or a controller, that has no jmespath."""

    def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "jmespath", None)
            return function(*args, **kwargs)

    return call
