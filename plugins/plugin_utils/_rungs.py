# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of several rungs of the ladder as one: what was found first, what was done, how it stands last. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# What was done to a service on a rung, in the words of the table.
_DONE = {
    "config": {
        "applied": "configuration rolled back",
        "confirmed": "configuration rolled back",
        "rolled_back": "configuration rolled back and undone",
        "rollback_failed": "configuration rolled back, undo failed",
    },
    "code": {
        "applied": "code rolled back",
        "rolled_back": "code rolled back and undone",
        "rollback_failed": "code rolled back, undo failed",
    },
}
# What only a rung says, and the look after it does not.
_CARRIED = ("outcome", "generations", "token", "until")


def helped(result: Mapping[str, Any]) -> bool:
    """Whether a rung ended as it should, so that the rest can be brought back."""
    return not result.get("failed") and not result.get("unreachable") and bool(result.get("recovered"))


def together(result: Mapping[str, Any], prior: Mapping[str, Any], rung: str = "") -> dict[str, Any]:
    """``result`` after ``prior``; ``rung``: config, code, or empty for a recovery like the one before."""
    if not prior.get("services"):
        return dict(result)
    if not result.get("services"):
        what = {"config": "its configuration was not rolled back", "code": "its code was not rolled back"}.get(rung, "")
        why = "; ".join(filter(None, [str(prior.get("msg", "")), f"{what}: {result.get('msg', '')}".lstrip(": ")]))
        seen = {key: result[key] for key in ("outcome", "unreachable") if key in result}
        return {**prior, **seen, "recovered": False, "failed": True, "msg": why}
    before = {service["name"]: service for service in prior["services"]}
    done = _DONE.get(rung, {}).get(str(result.get("outcome")), "")
    moved = result.get("generations") or (result.get("only") if rung else None) or ()
    idle = result.get("outcome") == "unchanged"
    now = [
        _joined(each, before.get(each["name"]), done if each["name"] in moved else "", idle)
        for each in result["services"]
    ]
    rest = [service for name, service in before.items() if name not in {each["name"] for each in result["services"]}]
    return {
        **{key: prior[key] for key in _CARRIED if key in prior},
        **result,
        **(_verdict(prior, now, before) if idle and not result.get("recovered") else {}),
        "changed": bool(result.get("changed") or prior.get("changed")),
        "services": now + rest,
        "steps": [*prior.get("steps", ()), *result.get("steps", ())],
        "overrides": [*prior.get("overrides", ()), *result.get("overrides", ())],
    }


def _verdict(
    prior: Mapping[str, Any], now: Sequence[Mapping[str, Any]], before: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The verdict from before the rung that did nothing, where it is still true."""
    as_before = all(each["name"] in before and each["condition"] == before[each["name"]]["condition"] for each in now)
    return {key: prior[key] for key in ("verdict", "msg") if as_before and key in prior}


def _joined(now: Mapping[str, Any], before: Mapping[str, Any] | None, done: str, idle: bool) -> dict[str, Any]:
    if before is None:
        return {**now, "action": done or now.get("action", "none")}
    action = done or now.get("action", "none")
    # Where nothing was done, one look says less than what has tried to mend the service and watched it: one that dies
    # again and again is found starting, or serving, by chance.
    sick = "healthy" not in (now.get("condition"), before.get("condition"))
    same = action == "none" and (now.get("condition") == before.get("condition") or (idle and sick))
    told = {key: before[key] for key in ("condition", "message", "next", "refusal") if same and key in before}
    return {
        **now,
        **told,
        "before": before.get("before") or now.get("before"),
        "action": before.get("action", "none") if action == "none" else action,
        "attempts": int(before.get("attempts") or 0) + int(now.get("attempts") or 0),
        "duration": round(float(before.get("duration") or 0) + float(now.get("duration") or 0), 3),
    }
