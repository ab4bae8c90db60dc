# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was preserved of a fleet before it was changed, and whether it may be changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._evidence_policy import REQUIRED, SKIP
from ansible_collections.toombos.incident.plugins.plugin_utils._fleet import FleetVerdict

Results = Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True)
class Preserved:
    """``captured``: host → bag; ``missing``: host → why there is none. Of the hosts that are to be changed."""

    mode: str
    reason: str
    incident: str
    captured: Mapping[str, str]
    missing: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """For the machine-readable line; ``missing`` names hosts."""
        return {
            "mode": self.mode,
            "incident": self.incident,
            "bags": [self.captured[host] for host in sorted(self.captured)],
            "missing": sorted(self.missing),
        }

    @property
    def objection(self) -> str:
        """Why nothing may be changed; empty when it may."""
        if self.mode != REQUIRED or not self.missing:
            return ""
        return (
            f"evidence is required, and there is none of {_listed(self.missing)}. Mend that, or change them without: "
            "-e evidence=wanted, or -e evidence=skip with a reason"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a responder must know of it."""
        if self.mode == SKIP:
            return (f"Evidence was skipped: {self.reason}",)
        kept = (f"Evidence of {len(self.captured)} hosts is kept with {self.incident}",) if self.captured else ()
        return (*kept, *(f"{host}: there is no evidence of before: {why}" for host, why in self.missing.items()))


def preserved(evidence: Mapping[str, Any], opened: Results, captures: Results) -> Preserved:
    """``evidence``: mode and reason, as the guard says. The others: registered results by host that is to be changed.

    ``opened``: of the record of the incident, the same for all; ``captures``: of each host's own capture.
    """
    captured, missing = {}, {}
    for host, result in {} if evidence.get("mode") == SKIP else captures.items():
        if isinstance(result, Mapping) and result.get("bag") and not _bad(result):
            captured[host] = str(result["bag"])
        else:
            missing[host] = _why(opened.get(host), result)
    incidents = (str(result["incident"]) for result in opened.values() if result and result.get("incident"))
    return Preserved(
        mode=str(evidence.get("mode", "")),
        reason=str(evidence.get("reason", "")),
        incident=next(incidents, ""),
        captured=captured,
        missing=missing,
    )


def with_evidence(verdict: FleetVerdict, kept: Preserved) -> FleetVerdict:
    """The verdict, which says so."""
    notes = (*verdict.notes, *kept.notes) if kept.captured or kept.missing or kept.mode == SKIP else verdict.notes
    return replace(verdict, notes=notes, evidence=kept.to_dict())


def _bad(result: Mapping[str, Any]) -> bool:
    return bool(result.get("failed") or result.get("unreachable"))


def _why(opened: Mapping[str, Any] | None, result: Mapping[str, Any] | None) -> str:
    if not isinstance(result, Mapping):
        return _words(opened) if opened and _bad(opened) else "it was not captured"
    if result.get("unreachable"):
        return "it became unreachable"
    return _words(result)


def _words(result: Mapping[str, Any]) -> str:
    return " ".join(str(result.get("msg") or "it failed without a word").split())


def _listed(missing: Mapping[str, str]) -> str:
    shown = [f"{host} ({why})" for host, why in list(missing.items())[:3]]
    return ", ".join(shown) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
