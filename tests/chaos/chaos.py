# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault campaign: many random faults on labs or containers, a recovery after each, and what came of them.

Usage: chaos.py [--where lab|containers] [--cases N] [--seed N] [--workers N]      a campaign
       chaos.py [--where lab|containers] --seed N --case N [--keep]                one of its cases again, in detail
Exit code 0: every goal is reached. Labs and reports in JSON are in build/chaos. Containers need the settings that
tools/containers.sh prints.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

# The lab's own folder: its modules import each other by their short names.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lab"))

from cases import CONTAINERS, LAB, WORLDS, Case, case
from grounds import GROUNDS, HOME, Ground, sweep
from report import Goals, progress, table, write
from trial import Say, Trial


class Worker(threading.Thread):
    """Takes one case after the other and runs it on a ground of its own."""

    def __init__(
        self, ground: Ground, waiting: queue.SimpleQueue[Case], done: queue.SimpleQueue[Trial], say: Say
    ) -> None:
        super().__init__(daemon=True)
        self._waiting, self._done, self._say = waiting, done, say
        self.ground = ground

    def run(self) -> None:
        """Until nothing waits."""
        while True:
            try:
                case = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._done.put(self._try(case))

    def _try(self, case: Case) -> Trial:
        try:
            return self.ground.run(case, self._say)
        except Exception as error:  # noqa: BLE001 - a case that could not be run is a finding, the others go on
            trial = Trial(case, problems=[f"it could not be run: {type(error).__name__}: {error}"])
            trial.raw = traceback.format_exc()
            self.ground.end()
            return trial


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--where", choices=WORLDS, default=LAB)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--case", type=int, help="run this one alone")
    parser.add_argument("--keep", action="store_true", help="leave its lab or container up")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.where == CONTAINERS:
        sweep()
    if options.case is not None:
        return replay(options.where, options.seed, options.case, options.keep)
    return campaign(options.where, options.seed, options.cases, options.workers)


def campaign(where: str, seed: int, number: int, workers: int) -> int:
    """Run so many cases and print the table."""
    cases = [case(seed, one, where) for one in range(number)]
    waiting: queue.SimpleQueue[Case] = queue.SimpleQueue()
    done: queue.SimpleQueue[Trial] = queue.SimpleQueue()
    for one in cases:
        waiting.put(one)
    grounds = [GROUNDS[where](str(one), seed) for one in range(min(workers, number))]
    team = [Worker(ground, waiting, done, lambda _words: None) for ground in grounds]
    trials: list[Trial] = []
    began = time.monotonic()
    try:
        for worker in team:
            worker.start()
        while len(trials) < len(cases):
            try:
                trials.append(done.get(timeout=1.0))
            except queue.Empty:
                if not any(worker.is_alive() for worker in team) and done.empty():
                    break
            else:
                progress(seed, trials, len(cases), time.monotonic() - began)
    finally:
        # Also for a campaign that is stopped half-way: what it has seen is not lost.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _end(team, waiting)
        while not done.empty():
            trials.append(done.get())
        goals = Goals.of(trials)
        print(table(where, seed, trials, goals, time.monotonic() - began), flush=True)
        write(HOME / f"report-{where}.json", seed, trials, goals)
    return 0 if goals.reached and len(trials) == len(cases) else 1


def _end(team: list[Worker], waiting: queue.SimpleQueue[Case]) -> None:
    """Wait for them, so that nothing is started behind our back, and take everything down."""
    with contextlib.suppress(queue.Empty):
        while True:
            waiting.get_nowait()
    for worker in team:
        if worker.is_alive():
            worker.ground.stop()
    for worker in team:
        if worker.ident:
            worker.join()
        worker.ground.end()


def replay(where: str, seed: int, number: int, keep: bool) -> int:
    """Run one case and tell what happens."""
    ground = GROUNDS[where]("replay", seed)
    one = case(seed, number, where)
    print(f"seed {seed} case {number}: {one}", flush=True)
    try:
        trial = ground.run(one, print)
    finally:
        if not keep:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            ground.end()
    print(trial.raw if trial.problems else "", *(f"  wrong: {problem}" for problem in trial.problems), sep="\n")
    print(f"{trial.verdict} in {trial.seconds:.1f} s" + (f"; {ground.where()}" if keep else ""))
    return 1 if trial.problems else 0


if __name__ == "__main__":
    sys.exit(main())
