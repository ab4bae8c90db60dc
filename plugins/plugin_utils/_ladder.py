# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rung of the ladder comes next for a host, and what is asked of it there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ROLL_BACK_CONFIG = "roll_back_config"
# What a release can do to a service.
_MAY_BE_CODE = frozenset(
    {"down", "failed", "crash_loop", "failing", "hung", "worker_dead", "degraded", "wrong_service"}
)
# What a rung has in common with the recovery that leads to it.
_SHARED = (
    "services", "stable_for", "deadline", "lock_timeout", "owner", "freeze", "takeover", "break_glass", "reason",
    "state_dir", "store_dir", "confirm",
)  # fmt: skip


def may_climb(result: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """The services whose configuration goes back now; none where that is not due, not allowed or not approved."""
    if options["state"] != "recovered" or "config_rollback" not in options["ladder"] or result.get("unreachable"):
        return []
    approved = options["approved_plan"]
    due = [str(step["service"]) for step in result.get("ladder", ()) if step.get("step") == ROLL_BACK_CONFIG]
    known = {str(step.get("service")) for step in approved if step.get("step") == ROLL_BACK_CONFIG}
    return [name for name in due if not approved or name in known]


def code_due(result: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """The services whose code goes back now: they were restarted, and are as sick as before, and run on that code.

    Where a plan was approved there is no such step in it.
    """
    allowed = options["state"] == "recovered" and "code_rollback" in options["ladder"] and options["code"]
    if not allowed or options["approved_plan"] or result.get("recovered") or result.get("unreachable"):
        return []
    sick = [
        str(each["name"])
        for each in result.get("services", ())
        if each.get("condition") in _MAY_BE_CODE and (each.get("attempts") or result.get("outcome") == "rolled_back")
    ]
    return [name for name in sick if _runs_on(options["services"].get(name) or {}, options["code"])]


def _runs_on(service: Mapping[str, Any], code: Mapping[str, Any]) -> bool:
    """Whether its working directory is the code's, or below."""
    home = str(code.get("path") or code.get("current") or "").rstrip("/")
    where = str((service.get("manager") or {}).get("cwd") or "").rstrip("/")
    return bool(home) and (where == home or where.startswith(f"{home}/"))


def to_prove(result: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """The services whose configuration would be proven good, now that the host is known to be healthy."""
    healthy = (result.get("verdict") or {}).get("status") == "healthy"
    if not options["promote"] or not healthy or result.get("failed") or result.get("unreachable"):
        return []
    return [str(name) for name in result.get("unproven", ())]


def with_defaults(rules: Mapping[str, Any], options: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a module: its defaults, what it shares with the recovery, and what is asked of it."""
    spec = rules["argument_spec"]
    shared = {key: options[key] for key in _SHARED if key in spec and options.get(key) not in (None, "")}
    return {**{key: option.get("default") for key, option in spec.items()}, **shared, **asked}
