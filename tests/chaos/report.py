# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a campaign says: a line now and then, the table, the goals, the report in JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from cases import LAB
from trial import Trial

EVERY = 10
LEAST_NOT_WORSE = 99.5  # percent
_COLUMNS = {"recovered": 11, "reported": 10, "wrong": 7, "worse": 7, "hung": 6}


@dataclass(frozen=True)
class Goals:
    """What is counted over all cases; ``not_worse`` in percent, from ``hangs`` on they must be zero.

    ``recovered``: those were run again.
    """

    cases: int
    recovered: int
    not_worse: float
    hangs: int
    touched: int
    truncated: int
    restless: int
    wrong: int

    @classmethod
    def of(cls, trials: Sequence[Trial]) -> Goals:
        """Count."""
        ran = len(trials)
        return cls(
            cases=ran,
            recovered=sum(trial.recovered for trial in trials),
            not_worse=100.0 * sum(not trial.worse for trial in trials) / ran if ran else 0.0,
            hangs=sum(trial.hung for trial in trials),
            touched=sum(bool(trial.touched) for trial in trials),
            truncated=sum(bool(trial.truncated) for trial in trials),
            restless=sum(trial.restless for trial in trials),
            wrong=sum(bool(trial.problems) for trial in trials),
        )

    @property
    def reached(self) -> bool:
        """Whether all are; a campaign that recovered nothing has tested nothing."""
        bad = self.hangs + self.touched + self.truncated + self.restless + self.wrong
        return self.recovered > 0 and self.not_worse >= LEAST_NOT_WORSE and bad == 0


def progress(seed: int, trials: Sequence[Trial], total: int, seconds: float) -> None:
    """A line for every tenth case, and for each that went wrong."""
    last = trials[-1]
    if last.problems:
        print(f"WRONG seed {seed} case {last.case.number}: {last.case}: {'; '.join(last.problems)}", flush=True)
    if len(trials) % EVERY == 0 or len(trials) == total:
        counts = Counter(trial.verdict for trial in trials)
        words = ", ".join(f"{number} {word}" for word, number in sorted(counts.items()))
        print(f"{len(trials):4} of {total} cases in {seconds:.0f} s: {words}", flush=True)


def table(where: str, seed: int, trials: Sequence[Trial], goals: Goals, seconds: float) -> str:
    """The figures by kind of fault, the failures, the goals."""
    labels = sorted(
        {label for trial in trials for label in trial.case.labels}, key=lambda label: (label[0] == "(", label)
    )
    columns = "".join(f"{word:>{width}}" for word, width in _COLUMNS.items())
    lines = [f"{'fault':28}{'cases':>7}{columns}{'median':>9}"]
    for label in [*labels, "all"]:
        own = [trial for trial in trials if label in (*trial.case.labels, "all")]
        counts = Counter(trial.verdict for trial in own)
        middle = median(trial.seconds for trial in own) if own else 0.0
        figures = "".join(f"{counts[word]:>{width}}" for word, width in _COLUMNS.items())
        lines.append(f"{label:28}{len(own):>7}{figures}{middle:>7.1f} s")
    lines += ["", *(_failure(where, seed, trial) for trial in trials if trial.problems)]
    lines += [
        f"{where}, seed {seed}, {goals.cases} cases in {seconds / 60:.1f} min; one with two faults stands in two lines",
        f"not worse than before     {goals.not_worse:.1f} % (at least {LEAST_NOT_WORSE} %)",
        f"hangs                     {goals.hangs}",
        f"foreign processes touched {goals.touched}",
        f"logs truncated            {goals.truncated}",
        f"second run changed        {goals.restless} of {goals.recovered} recovered",
        f"chaos: {goals.cases - goals.wrong} cases right, {goals.wrong} wrong",
    ]
    return "\n".join(lines)


def write(path: Path, seed: int, trials: Sequence[Trial], goals: Goals) -> None:
    """The report for machines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cases = [trial.record() for trial in sorted(trials, key=lambda trial: trial.case.number)]
    content = {"seed": seed, "goals": {**asdict(goals), "reached": goals.reached}, "cases": cases}
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


def _failure(where: str, seed: int, trial: Trial) -> str:
    what = "\n    ".join(trial.problems)
    world = "" if where == LAB else f"WHERE={where} "
    return f"make chaos {world}SEED={seed} CASE={trial.case.number}   # {trial.case}\n    {what}\n"
