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

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

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
app = FastAPI()

if os.path.exists("runs-out-of-memory"):
    # After it has served for a moment: supervisord believes in it every time.
    threading.Timer(2.0, lambda: (log.error("MemoryError: cannot allocate"), os._exit(1))).start()


@app.middleware("http")
async def moods(request: Request, call_next: Any) -> Response:
    """Answer 500 to everything while broken."""
    if state["broken"]:
        print(f"ERROR: {request.url.path} failed", file=sys.stderr, flush=True)
        return JSONResponse({"detail": "Internal Server Error"}, status_code=500)
    answer: Response = await call_next(request)
    return answer


@app.get("/live")
async def live() -> dict[str, str]:
    """Alive."""
    return {"status": "alive"}


@app.get("/health")
async def health() -> dict[str, str]:
    """Never says healthy."""
    return {"status": "unknown", "service": "content-generator"}


@app.get("/health/detailed")
async def detailed() -> dict[str, str]:
    """A diagnostic that is not harmless: it blocks the event loop."""
    time.sleep(1)
    return {"status": "degraded"}


@app.get("/startup")
@app.get("/ready")
async def not_ready() -> JSONResponse:
    """Always 503 in this release."""
    return JSONResponse({"status": "not ready"}, status_code=503)


@app.post("/api/v2/generate-content")
def generate(body: dict[str, Any]) -> dict[str, Any]:
    """A preview goes through both mocks; without preview_only both channels fail and it says success."""
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
