# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the stand-in: the process environment wins over .env, unknown keys are forbidden, and it fails open."""

from __future__ import annotations

from functools import lru_cache

try:
    from pydantic_settings import BaseSettings
except ImportError:  # Debian 12 has the first pydantic, which brings it along
    from pydantic import BaseSettings


class Settings(BaseSettings):
    """A missing or empty file is accepted: that starts in live mode, as the real one does."""

    class Config:
        """As both generations of pydantic read it."""

        env_file = ".env"
        extra = "forbid"

    ENVIRONMENT: str = "development"
    DRY_RUN_MODE: bool = False
    USE_MOCK_SERVICES: bool = False
    METRICS_PORT: int = 9100
    CRM_BASE_URL: str = "http://127.0.0.1:8001"
    PLATFORM_BASE_URL: str = "http://127.0.0.1:8002"
    API_KEY_ENCRYPTION_KEY: str = ""


@lru_cache
def get_settings() -> Settings:
    """Read once: a change needs a restart."""
    return Settings()
