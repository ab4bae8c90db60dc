# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback on a host adds up to once it is confirmed, or not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

APPLIED = "applied"
CONFIRMED = "confirmed"


def waits(result: Mapping[str, Any]) -> bool:
    """Whether the host waits for a confirmation."""
    return result.get("outcome") == APPLIED and bool(result.get("token")) and not result.get("failed")


def confirmed(applied: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The result of both calls: what was applied, and what the host said over the new connection."""
    if said.get("outcome") == CONFIRMED and not said.get("failed"):
        return {**applied, **_words(said), "changed": True, "token": "", "until": ""}
    why = " ".join(str(said.get("msg") or said.get("module_stderr") or "there was no answer").split())
    until = applied.get("until", "")
    outcome = said.get("outcome") or APPLIED
    back = f" The host goes back by itself at {until}." if outcome == APPLIED else ""
    return {
        **applied,
        **({"unreachable": True} if said.get("unreachable") else {}),
        "failed": True,
        "recovered": False,
        "outcome": outcome,
        "msg": f"applied, and not confirmed: {why.rstrip('.')}.{back}",
    }


def _words(said: Mapping[str, Any]) -> dict[str, Any]:
    """What the second look is the last word on."""
    return {key: said[key] for key in ("outcome", "recovered", "verdict", "msg", "host_checks") if key in said}
