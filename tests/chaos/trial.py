# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One case from a healthy lab to a judgement: break, look, recover, look, recover again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from signal import Signals
from typing import Any

import recovery
from cases import MOCKS, NAMES, SERVICES, Case
from faults import Scene, apply, dismiss, tidy
from recovery import Outcome
from untouched import Bystanders, Files

PATIENCE = "30s"  # of a recovery that finds another one at work
STABLE, LONG = "1s", "4s"  # a service that dies late needs the longer one to be seen through
Say = Callable[[str], None]


@dataclass
class Trial:
    """What came of a case. ``problems``: what should not be; empty means that all is right."""

    case: Case
    done: list[str] = field(default_factory=list)
    before: set[str] = field(default_factory=set)
    after: set[str] = field(default_factory=set)
    recovered: bool = False  # as it says itself
    hung: bool = False
    worse: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    truncated: list[str] = field(default_factory=list)
    restless: bool = False  # the run after a success changed something
    refusals: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0  # of the recovery that counts
    raw: str = ""

    @property
    def verdict(self) -> str:
        """One word."""
        if self.hung:
            return "hung"
        if self.worse:
            return "worse"
        if self.problems:
            return "wrong"
        return "recovered" if self.recovered else "reported"

    def dump(self) -> dict[str, Any]:
        """All but the case itself, for a campaign on another machine."""
        rest = {key: value for key, value in vars(self).items() if key != "case"}
        return {**rest, "before": sorted(self.before), "after": sorted(self.after)}

    @classmethod
    def load(cls, case: Case, content: dict[str, Any]) -> Trial:
        """What ``dump`` has made."""
        return cls(case, **{**content, "before": set(content["before"]), "after": set(content["after"])})

    def record(self) -> dict[str, Any]:
        """For the report in JSON."""
        words = {"case": str(self.case), "number": self.case.number, "verdict": self.verdict}
        return {
            **words,
            **self.dump(),
            "raw": self.raw[-20000:] if self.problems else "",
            "faults": asdict(self.case)["faults"],
        }


def run(scene: Scene, case: Case, say: Say) -> Trial:
    """Run it. Raises TimeoutError or LookupError when the lab itself does not do what it should."""
    trial, lab = Trial(case), scene.lab
    lab.mend()
    tidy(scene)
    for fault in case.faults:
        trial.done.append(apply(scene, fault))
        say(f"  broke: {trial.done[-1]}")
    bystanders = Bystanders(scene)
    try:
        files = Files.of(scene)
        flapping = {service for fault in case.faults for service in fault.effect.flaps}
        trial.before = lab.healthy() - flapping
        say(f"  healthy before: {sorted(trial.before)}")
        _recover(scene, trial, say)
        trial.after = lab.surely_healthy()
        say(f"  healthy after: {sorted(trial.after)}")
        if trial.recovered and not trial.hung:
            _again(scene, trial, say)
        trial.touched, trial.truncated = bystanders.touched(), files.truncated()
        _judge(trial, files.altered(), lab.oddities())
    finally:
        bystanders.leave()
        dismiss(scene)
    return trial


def _start(scene: Scene, case: Case) -> recovery.Running:
    return recovery.module(scene.lab, _stable(case), case.cut.get("patience", PATIENCE))


def _stable(case: Case) -> str:
    return LONG if any(fault.kind == "crash-late" for fault in case.faults) else STABLE


def _recover(scene: Scene, trial: Trial, say: Say) -> None:
    case = trial.case
    outcome = _MODES.get(case.mode, _plain)(scene, trial)
    trial.recovered, trial.seconds, trial.raw = outcome.recovered and outcome.rc == 0, outcome.seconds, outcome.raw
    trial.hung = trial.hung or outcome.hung
    say(f"  the recovery: rc {outcome.rc} in {outcome.seconds:.1f} s, {outcome.message}; red: {outcome.sick}")
    if not trial.hung:
        trial.problems += _expected(case, outcome)


def _plain(scene: Scene, trial: Trial) -> Outcome:
    if trial.case.mode == "playbook":
        return scene.lab.playbook(_stable(trial.case))
    return _start(scene, trial.case).outcome()


def _cut(scene: Scene, trial: Trial) -> Outcome:
    first = _start(scene, trial.case)
    first.cut(trial.case.cut["after"], Signals[f"SIG{trial.case.cut['signal']}"])
    trial.hung = first.outcome().hung
    return _start(scene, trial.case).outcome()


def _twice(scene: Scene, trial: Trial) -> Outcome:
    first = _start(scene, trial.case)
    time.sleep(trial.case.cut["after"])
    both = [running.outcome() for running in (first, _start(scene, trial.case))]
    worked = [outcome for outcome in both if not outcome.refused]
    trial.refusals = 2 - len(worked)
    trial.problems += _met([outcome for outcome in worked if outcome.changed], trial.case.cut["patience"])
    if not worked:
        trial.problems.append("two recoveries refused each other")
    return (worked or both)[0]


def _met(busy: list[Outcome], patience: str) -> list[str]:
    """What is wrong when both changed something. After a success there is nothing left to do for who has waited."""
    if len(busy) < 2:
        return []
    if patience == "0s":
        return ["two recoveries were at work at the same time"]
    both = all(outcome.recovered for outcome in busy)
    return ["the second recovery changed what the first one had recovered"] if both else []


_MODES: dict[str, Callable[[Scene, Trial], Outcome]] = {"cut": _cut, "twice": _twice}


def _expected(case: Case, outcome: Outcome) -> list[str]:
    """What is wrong with the recovery's own words, seen from the faults."""
    effects = [fault.effect for fault in case.faults]
    reported = {NAMES.get(effect.reported, effect.reported) for effect in effects if effect.reported}
    conditions = {condition for effect in effects for condition in effect.conditions}
    if outcome.recovered != (outcome.rc == 0):
        return [f"it says recovered={outcome.recovered} and ends with rc {outcome.rc}"]
    if not reported:
        return [] if outcome.recovered else [f"it is not recovered: {outcome.sick or outcome.message}"]
    if outcome.recovered:
        return [f"it says that all is well, although {', '.join(sorted(reported))} cannot be"]
    named = {outcome.sick.get(service) for service in reported}
    return [] if named & conditions else [f"{outcome.sick or outcome.message} does not name {sorted(conditions)}"]


def _again(scene: Scene, trial: Trial, say: Say) -> None:
    again = _plain(scene, trial)
    say(f"  again: rc {again.rc}, {again.message}, changed={again.changed}")
    trial.hung = trial.hung or again.hung
    trial.restless = again.changed or again.rc != 0 or not again.recovered
    if trial.restless:
        trial.problems.append(f"the second run: rc {again.rc}, changed={again.changed}, {again.message}")
        trial.raw += again.raw


def _judge(trial: Trial, altered: list[str], oddities: list[str]) -> None:
    red = set(SERVICES) - trial.after
    excused = {name for fault in trial.case.faults for name in _excused(fault.effect.reported)}
    trial.worse = sorted(trial.before - trial.after)
    if trial.worse:
        trial.problems.append(f"worse: {', '.join(trial.worse)} answered before and do not now")
    if trial.recovered and red:
        trial.problems.append(f"it says that all is well, but {', '.join(sorted(red))} do not answer")
    elif red - excused:
        trial.problems.append(f"{', '.join(sorted(red - excused))} could have been brought back")
    trial.problems += [f"touched: {who}" for who in trial.touched]
    trial.problems += [f"truncated: {name}" for name in trial.truncated]
    trial.problems += [f"altered: {name}" for name in altered]
    if trial.recovered:
        trial.problems += [odd for odd in oddities if "processes" in odd]
    if trial.hung:
        trial.problems.append("it hung")


def _excused(reported: str) -> set[str]:
    """What may stay red when this one is: itself and what needs it."""
    return {reported, "main"} if reported in (*MOCKS, "supervisord") else {reported}
