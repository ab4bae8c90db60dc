# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a responder types: a few forgiving words, made exact, or refused with the way out.

Extra-vars arrive as text (``-e force=false`` is a non-empty string), AWX surveys know nothing but text, and a
misspelt name is silently ignored by Ansible. All three have made recoveries do the opposite of what was meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_bool, parse_duration
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import read_incident
from ansible_collections.toombos.incident.plugins.plugin_utils._policy import (
    Policy,
    Refusal,
    host_limit,
    read_host_limit,
)

KNOWN = (
    "target",
    "svc",
    "plan",
    "approve",
    "force",
    "reason",
    "max_hosts",
    "fail",
    "takeover",
    "break_glass",
    "expires",
    "evidence",
    "incident",
)
# What single verbs are asked for beside these, in words of their own. Only typed ones count: an inventory may well have
# variables of these names that mean something else.
OF_VERBS = ("to", "state", "token", "confirm", "ref", "fetch", "as_of", "undo", "ioc")
_NEED_A_REASON = ("force", "takeover", "break_glass")
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

T = TypeVar("T")


@dataclass(frozen=True)
class Inputs:
    """A responder's wishes, typed. ``services`` empty means all; ``fail``: a triage fails when something is red.

    ``takeover``: act although somebody else has leased a service; ``break_glass``: act in spite of circuit breakers,
    host limits and the storm brake; ``expires``: seconds after which a freeze ends by itself, 0: it does not.
    ``evidence``: whether it is captured before anything is changed, in the responder's word; ``incident``: which one
    this belongs to. Both empty: not said. ``words``: what was said beside that (OF_VERBS), as text.
    """

    target: str
    services: tuple[str, ...]
    plan_only: bool
    approve: str
    force: bool
    reason: str
    max_hosts: int
    fail: bool
    takeover: bool = False
    break_glass: bool = False
    expires: float = 0.0
    evidence: str = ""
    incident: str = ""
    words: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for Ansible."""
        return {**self.__dict__, "services": list(self.services), "words": dict(self.words)}


def read_inputs(raw: Mapping[str, Any], policy: Policy, total: int) -> Inputs:
    """The responder's words. Blank means "not given", but a blank target is refused. Raises Refusal, all problems.

    ``total``: number of hosts in the inventory, for limits in percent.
    """
    text = {key: _text(raw.get(key)) for key in KNOWN}
    problems: list[str] = []
    if not text["target"]:
        problems.append(
            "The target is empty. Name hosts or groups with -e target=…, or set incident_target in the inventory."
        )
    truths = {name: _read(name, text[name], parse_bool, False, problems) for name in (*_NEED_A_REASON, "fail")}
    plan = text["plan"].lower()
    if plan not in ("", "only", "apply", "false", "no", "true", "yes"):
        problems.append(f"plan={text['plan']} is not known. Write plan=only to see the plan and change nothing.")
    if len(text["reason"]) < _SHORTEST_REASON:
        problems += [
            f"{name} needs a reason, at least {_SHORTEST_REASON} characters: "
            f"-e {name}=true -e \"reason='why and who'\"."
            for name in _NEED_A_REASON
            if truths[name]
        ]
    most = _read("max_hosts", text["max_hosts"], read_host_limit, policy.max_hosts, problems)
    expires = _read("expires", text["expires"], parse_duration, 0.0, problems)
    incident = _read("incident", text["incident"], read_incident, "", problems)
    _read("ioc", _text(raw.get("ioc")), parse_bool, False, problems)
    if problems:
        raise Refusal(problems)
    return Inputs(
        target=text["target"],
        services=tuple(name.strip() for name in text["svc"].split(",") if name.strip()),
        plan_only=plan in ("only", "true", "yes"),
        approve=text["approve"],
        reason=text["reason"],
        max_hosts=host_limit(most, total),
        expires=expires,
        evidence=text["evidence"],
        incident=incident,
        words={key: _text(raw[key]) for key in OF_VERBS if raw.get(key) is not None},
        **truths,
    )


def misspelt(names: Iterable[str]) -> list[str]:
    """One sentence per given variable that looks like a known input but is none."""
    found = []
    for name in names:
        if name in KNOWN or name in OF_VERBS or name.startswith("incident_"):
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


def _read(name: str, text: str, read: Callable[[Any], T], otherwise: T, problems: list[str]) -> T:
    """The word's value; what cannot be read is noted."""
    try:
        return read(text) if text else otherwise
    except (IncidentError, ValueError) as error:
        problems.append(f"{name}: {error}")
        return otherwise
