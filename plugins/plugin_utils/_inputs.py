# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a responder types: a few forgiving words, made exact, or refused with the way out.

Extra-vars arrive as text (``-e force=false`` is a non-empty string), AWX surveys know nothing but text, and a
misspelt name is silently ignored by Ansible. All three have made recoveries do the opposite of what was meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._values import ValueProblem, parse_bool, parse_duration

KNOWN = ("target", "svc", "plan", "approve", "force", "reason", "max_hosts", "fail")
_MEANT = {
    "check": "the option --check",
    "dry_run": "plan=only or the option --check",
    "dryrun": "plan=only or the option --check",
    "host": "target",
    "hosts": "target",
    "limit": "target, or the option --limit",
    "service": "svc",
    "services": "svc",
    "approved": "approve",
    "forced": "force",
    "planonly": "plan=only",
}
_SHORTEST_REASON = 10
_CLOSE = 0.8


class Refusal(IncidentError):
    """The run must not begin. ``problems`` holds one sentence each, with the way out."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(" ".join(problems))


@dataclass(frozen=True)
class Policy:
    """How a roll-out behaves. ``batches`` are host counts or percentages such as "10%"; times in seconds."""

    canary: int = 1
    batches: tuple[int | str, ...] = (1, "10%", "50%", "100%")
    max_hosts: int = 50
    stable_for: float = 2.0
    deadline: float = 300.0


@dataclass(frozen=True)
class Inputs:
    """A responder's wishes, typed. ``services`` empty means all; ``fail``: a triage fails when something is red."""

    target: str
    services: tuple[str, ...]
    plan_only: bool
    approve: str
    force: bool
    reason: str
    max_hosts: int
    fail: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values for Ansible."""
        return {**self.__dict__, "services": list(self.services)}


def read_policy(raw: Any) -> Policy:
    """The mapping ``incident_policy``. Raises Refusal with every problem."""
    if not isinstance(raw, Mapping):
        raise Refusal(["incident_policy must be a mapping."])
    problems = [f"incident_policy knows no {key!r}{_near(key, _POLICY)}." for key in raw if key not in _POLICY]
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


def read_inputs(raw: Mapping[str, Any], policy: Policy) -> Inputs:
    """The responder's words. Blank means "not given", but a blank target is refused. Raises Refusal, all problems."""
    text = {key: _text(raw.get(key)) for key in KNOWN}
    problems: list[str] = []
    if not text["target"]:
        problems.append(
            "The target is empty. Name hosts or groups with -e target=…, or set incident_target in the inventory."
        )
    force, problem = _try_bool("force", text["force"])
    problems += problem
    fail, problem = _try_bool("fail", text["fail"])
    problems += problem
    plan = text["plan"].lower()
    if plan not in ("", "only", "apply", "false", "no", "true", "yes"):
        problems.append(f"plan={text['plan']} is not known. Write plan=only to see the plan and change nothing.")
    if force and len(text["reason"]) < _SHORTEST_REASON:
        problems.append(
            f"force needs a reason, at least {_SHORTEST_REASON} characters: -e force=true -e \"reason='why and who'\"."
        )
    most = policy.max_hosts
    if text["max_hosts"]:
        try:
            most = _positive(text["max_hosts"])
        except ValueError as error:
            problems.append(f"max_hosts: {error}")
    if problems:
        raise Refusal(problems)
    services = tuple(name.strip() for name in text["svc"].split(",") if name.strip())
    only = plan in ("only", "true", "yes")
    return Inputs(text["target"], services, only, text["approve"], force, text["reason"], most, fail)


def misspelt(names: Iterable[str]) -> list[str]:
    """One sentence per given variable that looks like a known input but is none."""
    found = []
    for name in names:
        if name in KNOWN or name.startswith("incident_"):
            continue
        meant = _MEANT.get(name.lower()) or _nearly(name.lower())
        if meant:
            found.append(f"The variable {name!r} is not known and would be ignored. Did you mean {meant}?")
    return found


def _nearly(name: str) -> str:
    """The known input that the name is a slip of the fingers for. Other words of the same letters' shape are not."""
    swapped = [known for known in KNOWN if sorted(known) == sorted(name)]
    same_start = [known for known in KNOWN if known[0] == name[:1]]
    return next(iter(swapped or difflib.get_close_matches(name, same_start, n=1, cutoff=_CLOSE)), "")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ",".join(_text(item) for item in value)
    return str(value).strip()


def _try_bool(name: str, text: str) -> tuple[bool, list[str]]:
    try:
        return (parse_bool(text) if text else False), []
    except ValueProblem as error:
        return False, [f"{name}: {error}"]


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


def _batches(value: Any) -> tuple[int | str, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError("must be a list of host counts and percentages, for example [1, '10%', '100%'].")
    return tuple(_batch(item) for item in value)


def _batch(item: Any) -> int | str:
    text = str(item).strip()
    if text.endswith("%") and text[:-1].isdigit() and 0 < int(text[:-1]) <= 100:
        return text
    return _positive(item)


def _near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


_POLICY = {
    "canary": _count,
    "batches": _batches,
    "max_hosts": _positive,
    "stable_for": parse_duration,
    "deadline": parse_duration,
}
