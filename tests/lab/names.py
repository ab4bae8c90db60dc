# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a Toombos as its tests name them, and the questions to which they answer."""

from __future__ import annotations

import urllib.error
import urllib.request

NAMES = ("main", "crm", "platform", "prometheus", "alertmanager", "grafana", "loki")
PATHS = {
    "main": "/live",
    "crm": "/health",
    "platform": "/health",
    "prometheus": "/-/healthy",
    "alertmanager": "/-/healthy",
    "grafana": "/api/health",
    "loki": "/ready",
}
STANDINS = NAMES[3:]
PROGRAM = "halcytone:halcytone-main"
# uvicorn's name for main.
TARGET = "src.halcytone_content_generator.main:app"


def status_of(name: str, port: int) -> int:
    """Status of the answer to the service's own question; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{PATHS[name]}", timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
