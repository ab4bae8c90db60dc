# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mock service as two processes: the parent owns the socket and waits, the worker serves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))


def serve(name: str, identity: str) -> None:
    """Parent or, with --worker FD, the worker. A dead worker is not replaced: the parent only waits for changes."""
    if len(sys.argv) == 3 and sys.argv[1] == "--worker":
        _work(identity, int(sys.argv[2]))
        return
    with open(os.path.join(HERE, "ports.json"), encoding="utf-8") as file:
        port = json.load(file)[name]
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        descriptor = listener.fileno()
        command = [sys.executable, sys.argv[0], "--worker", str(descriptor)]
        worker = subprocess.Popen(command, pass_fds=[descriptor])

        def stop(*_: object) -> None:
            worker.terminate()
            raise SystemExit(0)

        signal.signal(signal.SIGTERM, stop)
        while True:
            signal.pause()


def _work(identity: str, descriptor: int) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    sent: list[dict[str, Any]] = []

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "healthy", "service": identity, "sent": len(sent)})

    async def send(request: Request) -> Response:
        sent.append(await request.json())
        return JSONResponse({"status": "sent", "id": len(sent)})

    app = Starlette(routes=[Route("/health", health), Route("/api/v1/email/send", send, methods=["POST"])])
    print(f"INFO:{identity}:serving", flush=True)
    uvicorn.run(app, fd=descriptor, log_level="info")
