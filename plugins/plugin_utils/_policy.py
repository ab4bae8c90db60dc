# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mapping ``incident_policy``: how a roll-out over many hosts behaves."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

# The rungs of the ladder, in rising order of force. What comes after the last one is a person.
RESTART = "restart"
CONFIG_ROLLBACK = "config_rollback"
CODE_ROLLBACK = "code_rollback"
RUNGS = (RESTART, CONFIG_ROLLBACK, CODE_ROLLBACK)


class Refusal(IncidentError):
    """The run must not begin. ``problems`` holds one sentence each, with the way out."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(" ".join(problems))


@dataclass(frozen=True)
class Policy:
    """How a roll-out behaves. ``batches`` and ``max_hosts``: host counts, or percentages such as "10%"; times: seconds.

    ``max_unhealthy``: percentage of red hosts above which a common cause is suspected, from ``storm_hosts`` hosts on.
    ``ladder``: remedies that a recovery may use, in rising order of force. ``confirm``: how long a host waits for the
    confirmation of a risky change before it goes back by itself.
    """

    canary: int = 1
    batches: tuple[int | str, ...] = (1, "10%", "50%", "100%")
    max_hosts: int | str = 50
    max_unhealthy: str = "50%"
    storm_hosts: int = 5
    stable_for: float = 2.0
    deadline: float = 300.0
    ladder: tuple[str, ...] = RUNGS
    confirm: float = 600.0


def read_policy(raw: Any) -> Policy:
    """The mapping ``incident_policy``. Raises Refusal with every problem."""
    if not isinstance(raw, Mapping):
        raise Refusal(["incident_policy must be a mapping."])
    problems = [f"incident_policy knows no {key!r}{near(key, _POLICY)}." for key in raw if key not in _POLICY]
    values: dict[str, Any] = {}
    for key, read in _POLICY.items():
        if key in raw:
            try:
                values[key] = read(raw[key])
            except (IncidentError, ValueError) as error:
                problems.append(f"incident_policy.{key}: {error}")
    if problems:
        raise Refusal(problems)
    return Policy(**values)


def _positive(value: Any) -> int:
    number = _count(value)
    if number < 1:
        raise ValueError(f"{value!r} is not a number of hosts. Write a whole number from 1.")
    return number


def _count(value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not text.isdigit():
        raise ValueError(f"{value!r} is not a number of hosts. Write a whole number.")
    return int(text)


def read_host_limit(value: Any) -> int | str:
    """A count of hosts, or a percentage such as "10%". Raises ValueError."""
    return _batch(value)


def host_limit(limit: int | str, total: int) -> int:
    """How many of ``total`` hosts a limit means; a percentage is rounded down, but means at least one."""
    return max(1, total * int(limit.rstrip("%")) // 100) if isinstance(limit, str) else limit


def _ladder(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(f"must be a list of {', '.join(RUNGS)}.")
    unknown = [str(rung) for rung in value if rung not in RUNGS]
    if unknown:
        raise ValueError(f"knows no {unknown[0]!r}{near(unknown[0], RUNGS)}, only {', '.join(RUNGS)}.")
    found = tuple(str(rung) for rung in value)
    if found != RUNGS[: len(found)]:
        raise ValueError(f"must begin with {RUNGS[0]} and keep the order {', '.join(RUNGS)}, without gaps.")
    return found


def _percentage(value: Any) -> str:
    found = _batch(value)
    if not isinstance(found, str):
        raise ValueError(f"{value!r} is not a percentage. Write for example '50%'.")
    return found


def _batches(value: Any) -> tuple[int | str, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError("must be a list of host counts and percentages, for example [1, '10%', '100%'].")
    return tuple(_batch(item) for item in value)


def _batch(item: Any) -> int | str:
    text = str(item).strip()
    if text.endswith("%") and text[:-1].isdigit() and 0 < int(text[:-1]) <= 100:
        return text
    return _positive(item)


def near(word: str, known: Iterable[str]) -> str:
    """A hint at the known word that somebody may have meant, to be put behind theirs."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


_POLICY = {
    "canary": _count,
    "batches": _batches,
    "max_hosts": read_host_limit,
    "max_unhealthy": _percentage,
    "storm_hosts": _positive,
    "stable_for": parse_duration,
    "deadline": parse_duration,
    "ladder": _ladder,
    "confirm": parse_duration,
}
