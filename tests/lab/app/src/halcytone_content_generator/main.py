# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for the content generator: the endpoints, log formats and moods that a recovery meets."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import urllib.request
from typing import Any

# Before the slow imports: what is wrong shows before supervisord believes that it runs, also on a busy machine.
if os.path.exists("missing-dependency"):
    raise ModuleNotFoundError("No module named 'content_pipeline'")

from .config import get_settings

settings = get_settings()

# Without FastAPI, which the real one has on top: it doubles the time of a start, of which the tests make thousands.
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

logging.basicConfig(
    filename="logs/halcytone.log", level=logging.INFO, format="%(asctime)s - %(name)s - %(levelname)s - %(message)s"
)
log = logging.getLogger("halcytone_content_generator.main")
state = {"broken": False}


def _break(*_: object) -> None:
    state["broken"] = True
    log.error("Enhanced content generation failed: connection pool is exhausted")


signal.signal(signal.SIGUSR2, _break)
log.error("Failed to initialize production services: running with mock publishers")  # every start does, harmless
log.info("Security config: {'API_KEY_ENCRYPTION_KEY': '%s'}", settings.API_KEY_ENCRYPTION_KEY)

if os.path.exists("runs-out-of-memory"):
    # After it has served for a moment: supervisord believes in it every time.
    threading.Timer(2.0, lambda: (log.error("MemoryError: cannot allocate"), os._exit(1))).start()


async def moods(request: Request, call_next: Any) -> Response:
    """Answer 500 to everything while broken."""
    if state["broken"]:
        print(f"ERROR: {request.url.path} failed", file=sys.stderr, flush=True)
        return JSONResponse({"detail": "Internal Server Error"}, status_code=500)
    answer: Response = await call_next(request)
    return answer


async def live(_request: Request) -> Response:
    """Alive."""
    return JSONResponse({"status": "alive"})


async def health(_request: Request) -> Response:
    """Never says healthy."""
    return JSONResponse({"status": "unknown", "service": "content-generator"})


async def detailed(_request: Request) -> Response:
    """A diagnostic that is not harmless: it blocks the event loop."""
    time.sleep(1)
    return JSONResponse({"status": "degraded"})


async def not_ready(_request: Request) -> Response:
    """Always 503 in this release."""
    return JSONResponse({"status": "not ready"}, status_code=503)


async def generate(request: Request) -> Response:
    """A preview goes through both mocks; without preview_only both channels fail and it says success."""
    return JSONResponse(await run_in_threadpool(_generated, await request.json()))


def _generated(body: dict[str, Any]) -> dict[str, Any]:
    for name, base in (("CRM", settings.CRM_BASE_URL), ("Platform", settings.PLATFORM_BASE_URL)):
        try:
            with urllib.request.urlopen(f"{base}/health", timeout=2):
                pass
        except OSError as error:
            log.info("asked %s", base)
            print(f"Mock {name} service error: All connection attempts failed", file=sys.stderr, flush=True)
            return {"status": "error", "detail": f"{name}: {error}"}
    if body.get("preview_only"):
        return {"status": "preview", "content": "..."}
    return {"status": "success", "channels": {"email": "failed", "web": "failed"}}


app = Starlette(
    routes=[
        Route("/live", live),
        Route("/health", health),
        Route("/health/detailed", detailed),
        Route("/startup", not_ready),
        Route("/ready", not_ready),
        Route("/api/v2/generate-content", generate, methods=["POST"]),
    ],
    middleware=[Middleware(BaseHTTPMiddleware, dispatch=moods)],
)
