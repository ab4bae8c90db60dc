# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a Toombos as its tests name them, and the questions to which they answer."""

from __future__ import annotations

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
