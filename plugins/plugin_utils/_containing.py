# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an isolation adds up to once it is confirmed, or not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ISOLATED = "isolated"
CONFIRMED = "confirmed"
_GOOD = (CONFIRMED, "unchanged", "planned")


def waits(result: Mapping[str, Any]) -> bool:
    """Whether the host waits for a confirmation."""
    return result.get("outcome") == ISOLATED and bool(result.get("token")) and not result.get("failed")


def concluded(first: Mapping[str, Any]) -> dict[str, Any]:
    """The result where there is nothing to confirm: only what is confirmed, or need not be, is none that failed."""
    return {**first, "failed": bool(first.get("failed")) or first.get("outcome") not in _GOOD}


def both(first: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The result of both calls: what was put in place, and what the host said over the new connection."""
    if said.get("outcome") == CONFIRMED and not said.get("failed"):
        told = {key: said[key] for key in ("outcome", "msg", "proof") if key in said}
        return {**first, **told, "changed": True, "failed": False, "token": "", "until": ""}
    why = " ".join(str(said.get("msg") or said.get("module_stderr") or "there was no answer").split())
    outcome = said.get("outcome") or ISOLATED
    back = f" The host goes back by itself at {first.get('until', '')}." if outcome == ISOLATED else ""
    return {
        **first,
        **({"unreachable": True} if said.get("unreachable") else {}),
        "failed": True,
        "outcome": outcome,
        "msg": f"isolated, and not confirmed: {why.rstrip('.')}.{back}",
    }
