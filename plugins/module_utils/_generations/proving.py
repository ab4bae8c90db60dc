# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proof proves something: nothing else makes a generation a good one."""

from __future__ import annotations

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import (
    FILE,
    IMPORTED,
    Generation,
    Proof,
)
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

_GOOD = ("pass", "warn")
_AGAIN = "Let the services pass their probes on it, and prove it then."
_MARGIN = 0.02  # seconds: a process is as old as a tick of the kernel's clock says


def check_proof(generation: Generation, proof: Proof, rounds: int) -> None:
    """Raises IncidentError unless the proof is one for this generation."""
    objection = _objection(generation, proof, rounds) or _about_services(generation, proof)
    if objection:
        raise IncidentError(f"{generation.id} is not proven: {objection}.", _AGAIN)


def _objection(generation: Generation, proof: Proof, rounds: int) -> str:
    bad = [check for check in proof.checks if check.get("status") not in _GOOD]
    if generation.origin == IMPORTED:
        return (
            "it was imported, and nothing has run on it since; once it is in place it becomes a generation of its own"
        )
    if proof.rounds < max(1, rounds):
        return f"{proof.rounds} rounds of probes have passed, {max(1, rounds)} are asked for"
    if not proof.checks:
        return "no probe was asked"
    if bad:
        return f"{bad[0].get('service')}/{bad[0].get('probe')} is {bad[0].get('status')}"
    if proof.last < proof.first:
        return "its last round is before the first"
    if proof.first < generation.created:
        return (
            f"the first round was at {moment(proof.first)}, and the set was kept at {moment(generation.created)} only"
        )
    return ""


def _about_services(generation: Generation, proof: Proof) -> str:
    files = [entry for entry in generation.entries if entry.kind == FILE]
    last = max(files, key=lambda entry: entry.mtime_ns, default=None)
    if last is None:
        return ""
    changed = last.mtime_ns / 1e9
    early = sorted(name for name, started in proof.services.items() if started < changed - _MARGIN)
    if early:
        return f"{early[0]} was started before {shown(last.path)} was last changed, at {moment(changed)}"
    return ""
