# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure to reach, and the table of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One row: what is measured, and the most that it may be, or the least that it must be."""

    name: str
    what: str
    goal: float | None  # None: no goal, to compare
    measured: float
    unit: str
    at_least: bool = False

    def __str__(self) -> str:
        words = "to compare", ""
        if self.goal is not None:
            reached = self.measured >= self.goal if self.at_least else self.measured <= self.goal
            sign = "≥" if self.at_least else "≤"
            words = f"{sign} {self.goal:g}{self.unit}", "reached" if reached else "**missed**"
        return f"| {self.name} | {self.what} | {words[0]} | {self.measured:.2f}{self.unit} | {words[1]} |"


def as_table(rows: Iterable[Figure]) -> str:
    """In Markdown."""
    head = ["| figure | what | goal | measured | |", "|---|---|---|---|---|"]
    return "\n".join([*head, *map(str, rows)])
