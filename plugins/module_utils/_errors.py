# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that say what is wrong and how to go on, and carry what was learned until then."""

from __future__ import annotations

from typing import Any


class IncidentError(Exception):
    """Base of every refusal and failure that the collection raises on purpose.

    ``message`` says what is wrong, ``way_out`` the command or change that goes on from here,
    ``result`` what was already known or done (JSON-ready), so that a failure is never empty-handed.
    """

    def __init__(self, message: str, way_out: str = "", result: dict[str, Any] | None = None) -> None:
        self.message = message
        self.way_out = way_out
        self.result: dict[str, Any] = result or {}
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message} {self.way_out}".strip()


class CatalogueError(IncidentError):
    """The service catalogue is not valid; ``problems`` holds one line per offending entry."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = list(problems)
        super().__init__(
            "The service catalogue is not valid: " + "; ".join(self.problems) + ".",
            "Correct the entries in incident_services and run again.",
        )


class ManagerError(IncidentError):
    """A manager (supervisord, systemd, the process manager) refused or could not be reached."""


class ProcessError(IncidentError):
    """A process could not be started, identified or ended."""
