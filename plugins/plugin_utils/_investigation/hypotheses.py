# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranks the document's five failure patterns, and a breach, by the signs that speak for them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import Fleet
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.finders import Evidence
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.signs import (
    BREACH,
    CONFIGURATION,
    EXTERNAL,
    NETWORK,
    PERFORMANCE,
    SIGNS,
    STARTUP,
    Sign,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import HEALTHY

# In the order of the document, which is also what decides between equal scores.
PATTERNS: Mapping[str, str] = {
    STARTUP: "Service startup failure",
    PERFORMANCE: "Performance degradation",
    NETWORK: "Network issue",
    CONFIGURATION: "Configuration error",
    EXTERNAL: "External dependency failure",
    BREACH: "Security breach",
}
# From so many points on, on the average of the hosts that it explains.
_CONFIDENCE = ((6.0, "high"), (3.0, "medium"), (0.0, "low"))
_CARRIES = 2  # points of a sign that can carry a hypothesis by itself


@dataclass(frozen=True)
class Counted:
    """A sign as it counts for one pattern: ``points`` times the hosts that show it, of all affected ones."""

    name: str
    says: str
    points: int
    hosts: tuple[str, ...]
    of: int
    hearsay: bool
    evidence: tuple[Evidence, ...]

    @property
    def share(self) -> float:
        """What it adds to the score."""
        return self.points * len(self.hosts) / self.of

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "sign": self.name,
            "says": self.says,
            "points": self.points,
            "hosts": list(self.hosts),
            "of": self.of,
            "adds": round(self.share, 2),
            "only_in_logs": self.hearsay,
            "evidence": [each.to_dict() for each in self.evidence],
        }


@dataclass(frozen=True)
class Hypothesis:
    """``score``: the sum of what its signs add; ``hosts``: those that it explains.

    ``confidence`` is about these: how sure it is there. ``only_in_logs``: no probe and no manager stands behind it.
    """

    pattern: str
    score: float
    confidence: str
    hosts: tuple[str, ...]
    services: tuple[str, ...]
    supporting: tuple[Counted, ...]
    contradicting: tuple[Counted, ...]
    only_in_logs: bool

    @property
    def title(self) -> str:
        """The document's name of it."""
        return PATTERNS[self.pattern]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "pattern": self.pattern,
            "title": self.title,
            "score": self.score,
            "confidence": self.confidence,
            "hosts": list(self.hosts),
            "services": list(self.services),
            "only_in_logs": self.only_in_logs,
            "supporting": [each.to_dict() for each in self.supporting],
            "contradicting": [each.to_dict() for each in self.contradicting],
        }


@dataclass(frozen=True)
class Ranking:
    """``hypotheses``: the best first; ``leads``: signs that are too weak to make one; ``affected``: hosts."""

    hypotheses: tuple[Hypothesis, ...]
    leads: tuple[Hypothesis, ...]
    affected: tuple[str, ...]

    @property
    def top(self) -> Hypothesis | None:
        """The best one, or none."""
        return self.hypotheses[0] if self.hypotheses else None


Seen = Mapping[str, Mapping[str, tuple[Evidence, ...]]]  # sign → host → evidence


def rank(fleet: Fleet, signs: Sequence[Sign] = SIGNS) -> Ranking:
    """The patterns that a sign of some weight speaks for, and what else was noticed."""
    seen: Seen = {sign.name: _look(sign, fleet) for sign in signs}
    alarmed = {host for sign in signs if sign.alarm for host in seen[sign.name]}
    affected = tuple(host.name for host in fleet.hosts if host.state != HEALTHY or host.name in alarmed)
    scope = affected or tuple(host.name for host in fleet.hosts)
    found = [_weigh(pattern, signs, seen, scope) for pattern in PATTERNS]
    likely = [each for each in found if each and affected and _is_carried(each)]
    order = list(PATTERNS)
    # What only logs say comes last, however much they say.
    likely.sort(key=lambda each: (each.only_in_logs, -each.score, order.index(each.pattern)))
    leads = sorted((each for each in found if each and each not in likely), key=lambda each: -each.score)
    return Ranking(tuple(likely), tuple(leads), affected)


def _look(sign: Sign, fleet: Fleet) -> dict[str, tuple[Evidence, ...]]:
    found = {host.name: tuple(sign.find(host, fleet)) for host in fleet.hosts}
    return {host: evidence for host, evidence in found.items() if evidence}


def _weigh(pattern: str, signs: Sequence[Sign], seen: Seen, scope: Sequence[str]) -> Hypothesis | None:
    supporting = _counted(pattern, [sign for sign in signs if sign.points.get(pattern, 0) > 0], seen, scope, scope)
    explained = tuple(host for host in scope if any(host in each.hosts for each in supporting))
    # Nothing can contradict it where nothing speaks for it.
    against = _counted(pattern, [sign for sign in signs if sign.points.get(pattern, 0) < 0], seen, explained, scope)
    score = round(sum(each.share for each in (*supporting, *against)), 2)
    if score <= 0:
        return None
    strength = score * len(scope) / len(explained)
    services = [each.service for sign in supporting if not sign.hearsay for each in sign.evidence if each.service]
    return Hypothesis(
        pattern=pattern,
        score=score,
        confidence=next(word for least, word in _CONFIDENCE if strength >= least),
        hosts=explained,
        services=tuple(dict.fromkeys(services)),
        supporting=supporting,
        contradicting=against,
        only_in_logs=not any(each.points >= _CARRIES and not each.hearsay for each in supporting),
    )


def _counted(
    pattern: str, signs: Sequence[Sign], seen: Seen, within: Sequence[str], scope: Sequence[str]
) -> tuple[Counted, ...]:
    found = []
    for sign in signs:
        hosts = tuple(host for host in within if host in seen[sign.name])
        if hosts:
            evidence = tuple(each for host in hosts for each in seen[sign.name][host])
            found.append(Counted(sign.name, sign.says, sign.points[pattern], hosts, len(scope), sign.hearsay, evidence))
    return tuple(sorted(found, key=lambda each: -abs(each.share)))


def _is_carried(hypothesis: Hypothesis) -> bool:
    return any(each.points >= _CARRIES for each in hypothesis.supporting)
