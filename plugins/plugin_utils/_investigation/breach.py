# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a search for signs of a breach has found on a host: frozen values, texts clean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CRITICAL, HIGH = "critical", "high"
SEVERITIES = (CRITICAL, HIGH, "medium", "low", "info")


@dataclass(frozen=True)
class Finding:
    """``severity``: of SEVERITIES; ``check``: which one found it; ``supports``: artifacts of a capture that hold it."""

    severity: str
    check: str
    title: str
    detail: str = ""
    supports: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**self.__dict__, "supports": list(self.supports)}


@dataclass(frozen=True)
class Blind:
    """A check that could not look at everything. ``outcome``: how it ended."""

    check: str
    outcome: str
    message: str = ""


@dataclass(frozen=True)
class Breach:
    """``asked``: whether there was to be a search at all; ``problem``: why there is no result of it.

    ``findings``: the worst first; ``left_out``: how many more there are; ``compared``: whether a baseline was there, so
    that what is new could be told; ``message``: the search in one line.
    """

    asked: bool = False
    problem: str = ""
    findings: tuple[Finding, ...] = ()
    left_out: int = 0
    blind: tuple[Blind, ...] = ()
    compared: bool = False
    message: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything was looked at."""
        return self.asked and not self.problem and not self.blind

    def of(self, *severities: str) -> tuple[Finding, ...]:
        """Those of these severities."""
        return tuple(each for each in self.findings if each.severity in severities)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "asked": self.asked,
            "problem": self.problem,
            "complete": self.complete,
            "compared": self.compared,
            "findings": [each.to_dict() for each in self.findings],
            "left_out": self.left_out,
            "blind": [dict(each.__dict__) for each in self.blind],
        }


NOT_ASKED = Breach()
