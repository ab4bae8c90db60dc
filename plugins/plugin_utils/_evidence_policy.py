# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mapping ``incident_evidence``: what is preserved before a change, where, and when not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration
from ansible_collections.toombos.incident.plugins.plugin_utils._policy import Refusal, near

WANTED = "wanted"  # captured where it can be; a host whose capture fails is recovered all the same, and named
REQUIRED = "required"  # nothing is changed anywhere unless every host that would be changed is captured
SKIP = "skip"
MODES = (WANTED, REQUIRED, SKIP)
_WORDS = {"true": WANTED, "yes": WANTED, "1": WANTED, "false": SKIP, "no": SKIP, "0": SKIP, "skipped": SKIP}
_SHORTEST_REASON = 10
_LONGEST_BUDGET = 60.0  # seconds that a service may stay down for the sake of evidence


@dataclass(frozen=True)
class EvidencePolicy:
    """How evidence is kept. ``budget``: seconds for one host, before a recovery; ``home``: on the controller.

    ``reason``: why it is skipped. ``seal``: method and recipients, empty: bags are kept in clear.
    """

    mode: str = WANTED
    reason: str = ""
    home: str = ""
    signing_key: str = ""
    budget: float = _LONGEST_BUDGET
    keep: tuple[str, ...] = ("open", "personal")
    seal: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for Ansible."""
        return {**asdict(self), "keep": list(self.keep), "seal": dict(self.seal)}


def default_home() -> str:
    """Where bags are kept when nobody says otherwise: with the data of whoever runs this, not with its caches."""
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(data, "toombos-incident", "evidence")


def read_evidence(raw: Any, word: str = "", reason: str = "") -> EvidencePolicy:
    """The mapping, and the responder's ``evidence=…`` and reason, which win. Raises Refusal with all problems."""
    if not isinstance(raw, Mapping):
        raise Refusal(["incident_evidence must be a mapping."])
    problems = [f"incident_evidence knows no {key!r}{near(key, _KEYS)}." for key in raw if key not in _KEYS]
    values: dict[str, Any] = {}
    for key, read in _KEYS.items():
        if key in raw:
            try:
                values[key] = read(raw[key])
            except (IncidentError, ValueError) as error:
                problems.append(f"incident_evidence.{key}: {error}")
    policy = EvidencePolicy(**values)
    if word:
        try:
            policy = replace(policy, mode=_mode(word), reason=reason or policy.reason)
        except ValueError as error:
            problems.append(f"evidence: {error}")
    if policy.mode == SKIP and len(policy.reason) < _SHORTEST_REASON:
        problems.append(
            f"Skipping the evidence needs a reason, at least {_SHORTEST_REASON} characters: "
            "-e evidence=skip -e \"reason='why and who'\", or incident_evidence.reason in the inventory."
        )
    if problems:
        raise Refusal(problems)
    return policy if policy.home else replace(policy, home=default_home())


def _mode(value: Any) -> str:
    text = str(value).strip().lower()
    mode = _WORDS.get(text, text)
    if mode not in MODES:
        raise ValueError(f"{value!r} is not known{near(text, MODES)}. There are {', '.join(MODES)}.")
    return mode


def _budget(value: Any) -> float:
    seconds = parse_duration(value)
    if not 1.0 <= seconds <= _LONGEST_BUDGET:
        raise ValueError(f"{value!r} is not from 1s to {_LONGEST_BUDGET:.0f}s: services are down meanwhile.")
    return seconds


def _path(value: Any) -> str:
    path = os.path.expanduser(str(value))
    if not os.path.isabs(path):
        raise ValueError(f"{value!r} is not an absolute path.")
    return path


def _classes(value: Any) -> tuple[str, ...]:
    known = ("open", "personal", "secret")
    if not isinstance(value, (list, tuple)) or not set(value) <= set(known):
        raise ValueError(f"must be a list of {', '.join(known)}.")
    return tuple(value)


def _seal(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping with method and recipients.")
    return value


_KEYS: dict[str, Callable[[Any], Any]] = {
    "mode": _mode,
    "reason": lambda value: " ".join(str(value).split()),
    "home": _path,
    "signing_key": _path,
    "budget": _budget,
    "keep": _classes,
    "seal": _seal,
}
