# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to put a release in place: a pure function of what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.module_utils._release.types import Difference, Release, Spec, Target

UNDO, FETCH, PRESERVE, SWITCH, DEPLOY, RECOVER = "undo", "fetch", "preserve", "switch", "deploy", "recover"
_SHOWN = 20  # commits in the difference


@dataclass(frozen=True)
class Step:
    """One step, with what it is about in words."""

    step: str
    what: str

    def to_dict(self) -> dict[str, str]:
        """For the result."""
        return {"step": self.step, "what": self.what}


@dataclass(frozen=True)
class Plan:
    """The steps in their order. None: the target is in place."""

    steps: tuple[Step, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.steps)


def make_plan(current: Release, target: Target, spec: Spec, services: Sequence[str], interrupted: str = "") -> Plan:
    """The steps to the target. ``interrupted``: the name of the release that an earlier rollback did not finish."""
    steps = []
    if interrupted:
        steps.append(Step(UNDO, f"the unfinished rollback to {interrupted}: back to {current.name} first"))
    if not is_in_place(current, target):
        if not target.known:
            steps.append(Step(FETCH, f"{target.name} from {spec.remote}"))
        kept = counted(current)
        if kept:
            steps.append(Step(PRESERVE, f"{kept} of {current.name}"))
        steps.append(Step(SWITCH, f"from {current.name} to {target.name}"))
        if spec.deploy:
            steps.append(Step(DEPLOY, redact(" ".join(spec.deploy))))
    if steps:
        steps.append(Step(RECOVER, f"restart and judge {', '.join(services)}"))
    return Plan(tuple(steps))


def is_in_place(current: Release, target: Target) -> bool:
    """Whether exactly the target is there. Files that are not the release's own do not count."""
    return target.known and current.id == target.id and not current.dirty


def counted(current: Release) -> str:
    """What of a tree is not committed, in words; empty: nothing."""
    trees: Sequence[Any] = current.state.get("trees", ())
    changed = sum(len(tree["changed"]) for tree in trees)
    untracked = sum(len(tree["untracked"]) for tree in trees)
    parts = [f"{changed} changed" if changed else "", f"{untracked} untracked" if untracked else ""]
    said = " and ".join(filter(None, parts))
    return f"{said} files" if said else ""


def to_diff(current: Release, target: Target, between: Difference, plan: Plan) -> dict[str, str]:
    """For people: from and to, what lies between, and the steps."""
    if not plan.changes:
        return {}
    lines = [f"{step.step}: {step.what}" for step in plan.steps]
    if between.undone is not None:
        lines.append(
            f"{len(between.undone)} commits are undone, {between.added} are added, {between.files} files differ"
        )
        lines += [f"  undone: {subject}" for subject in between.undone[:_SHOWN]]
        more = len(between.undone) - _SHOWN
        lines += [f"  and {more} more"] if more > 0 else []
    return {
        "before": f"{_described(current)}\n",
        "after": f"{target.name}\n",
        "prepared": "".join(f"{line}\n" for line in lines),
    }


def _described(current: Release) -> str:
    kept = counted(current)
    branch = current.detail.get("branch")
    where = f" on {branch}" if branch else ""
    return f"{current.name}{where}{f', {kept}' if kept else ''}"
