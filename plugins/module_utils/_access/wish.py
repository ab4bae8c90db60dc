# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be taken away, as it was typed: read without guessing."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._access.types import Step, Wish
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

_KEYS = frozenset({"name", "run", "undo"})
_LONGEST = 256  # characters of a name
_MOST = 100  # steps, and users
_SHORTEST_GRACE, _LONGEST_GRACE, _LONGEST_STEP = 0.1, 60.0, 3600.0  # seconds


def read_wish(params: Mapping[str, Any]) -> Wish:
    """Of the options of the module. Raises IncidentError that names all that is wrong."""
    problems: list[str] = []
    users = [str(each) for each in params["lock_users"]]
    problems += [f"{user!r} is no name of an account" for user in users if not _is_name(user)]
    steps: list[Step] = []
    for position, raw in enumerate(params["steps"], 1):
        found = _problem_of_step(position, raw, [step.name for step in steps])
        if found:
            problems.append(found)
        else:
            steps.append(Step(raw["name"], tuple(raw["run"]), tuple(raw.get("undo") or ())))
    problems += [f"there are more than {_MOST} {what}" for what in _too_many(users, params["steps"])]
    grace, timeout = parse_duration(params["grace"]), parse_duration(params["step_timeout"])
    if not _SHORTEST_GRACE <= grace <= _LONGEST_GRACE:
        problems.append(f"grace is {params['grace']}, write 100ms to 1m")
    if not 0 < timeout <= _LONGEST_STEP:
        problems.append(f"step_timeout is {params['step_timeout']}, write more than zero and at most 1h")
    if problems:
        raise IncidentError(
            f"What is to be taken away cannot be read: {'; '.join(problems)}.",
            "Nothing was changed. Correct incident_containment.access.",
        )
    return Wish(
        lock_users=tuple(dict.fromkeys(users)),
        others=params["sessions"] == "others",
        services=bool(params["services"]),
        steps=tuple(steps),
        grace=grace,
        step_timeout=timeout,
    )


def _is_name(user: str) -> bool:
    """Whether it can be the first field of a line: no line end, no colon, and no entry of NIS (``+``, ``-``)."""
    odd = any(not each.isprintable() or each.isspace() or each in ":,/" for each in user)
    return 0 < len(user) <= _LONGEST and not odd and user[0] not in "+-#~"


def _too_many(users: list[str], steps: list[Any]) -> list[str]:
    return [what for what, values in (("users", users), ("steps", steps)) if len(values) > _MOST]


def _problem_of_step(position: int, raw: Any, names: list[str]) -> str:
    where = f"step {position}"
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str) or not raw["name"].strip():
        return f"{where} has no name"
    name = raw["name"]
    where = f"{where} ({name[:40]!r})"
    if unknown := sorted(str(key) for key in raw.keys() - _KEYS):
        return f"{where} has {', '.join(unknown)}, and only name, run and undo are known"
    if name in names:
        return f"{where} has the name of another one"
    for key in ("run", "undo"):
        value = raw.get(key)
        if key == "undo" and not value:
            continue
        if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
            return f"{where}: {key} must be a list of words, [program, argument], quoted where they are no text"
        if not value[0] or any("\0" in word for word in value):
            return f"{where}: {key} names no program"
    return ""
