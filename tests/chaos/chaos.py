# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault campaign: many random faults on labs, a recovery after each, and what came of them.

Usage: chaos.py [--cases N] [--seed N] [--workers N]      a campaign
       chaos.py --seed N --case N [--keep]                one of its cases again, told in detail
Exit code 0: every goal is reached. Labs and report.json are in build/chaos.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

# The lab's own folder: its modules import each other by their short names.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lab"))

from cases import Case, case
from faults import Scene, dismiss
from ports import free_ports
from report import Goals, progress, table, write
from trial import Say, Trial, run
from world import World

HOME = Path(__file__).resolve().parent.parent.parent / "build" / "chaos"


class Worker(threading.Thread):
    """Takes one case after the other and runs it on a lab of its own."""

    def __init__(self, name: str, waiting: queue.SimpleQueue[Case], done: queue.SimpleQueue[Trial], say: Say) -> None:
        super().__init__(name=name, daemon=True)
        self._waiting, self._done, self._say = waiting, done, say
        self.home = HOME / name
        self.scene = self._new_scene()

    def run(self) -> None:
        """Until nothing waits."""
        while True:
            try:
                case = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._done.put(self._try(case))

    def end(self) -> None:
        """Take the lab down, with whoever holds its ports."""
        dismiss(self.scene)
        self.scene.lab.down()
        shutil.rmtree(self.home, ignore_errors=True)

    def _try(self, case: Case) -> Trial:
        try:
            return run(self.scene, case, self._say)
        except Exception as error:  # noqa: BLE001 - a case that could not be run is a finding, the others go on
            trial = Trial(case, problems=[f"it could not be run: {type(error).__name__}: {error}"])
            trial.raw = traceback.format_exc()
            self.end()
            self.scene = self._new_scene()
            return trial

    def _new_scene(self) -> Scene:
        # A campaign that was killed may have left its lab up.
        World(self.home / "lab", say=lambda _words: None).down()
        shutil.rmtree(self.home, ignore_errors=True)
        (self.home / "aside").mkdir(parents=True)
        lab = World(self.home / "lab", free_ports(_taken), say=lambda _words: None)
        _taken.update(lab.ports.values())
        return Scene(lab, self.home / "aside")


_taken: set[int] = set()


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--case", type=int, help="run this one alone")
    parser.add_argument("--keep", action="store_true", help="leave its lab up")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.case is not None:
        return replay(options.seed, options.case, options.keep)
    return campaign(options.seed, [case(options.seed, number) for number in range(options.cases)], options.workers)


def campaign(seed: int, cases: list[Case], workers: int) -> int:
    """Run them all and print the table."""
    waiting: queue.SimpleQueue[Case] = queue.SimpleQueue()
    done: queue.SimpleQueue[Trial] = queue.SimpleQueue()
    for one in cases:
        waiting.put(one)
    team = [Worker(f"lab-{number}", waiting, done, lambda _words: None) for number in range(min(workers, len(cases)))]
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
        _end(team, waiting)
        while not done.empty():
            trials.append(done.get())
        goals = Goals.of(trials)
        print(table(seed, trials, goals, time.monotonic() - began), flush=True)
        write(HOME / "report.json", seed, trials, goals)
    return 0 if goals.reached and len(trials) == len(cases) else 1


def _end(team: list[Worker], waiting: queue.SimpleQueue[Case]) -> None:
    """Let them finish what they are at, so that nothing is started behind our back, and take the labs down."""
    with contextlib.suppress(queue.Empty):
        while True:
            waiting.get_nowait()
    for worker in team:
        if worker.ident:
            worker.join()
        worker.end()


def replay(seed: int, number: int, keep: bool) -> int:
    """Run one case and tell what happens."""
    worker = Worker("lab-replay", queue.SimpleQueue(), queue.SimpleQueue(), lambda words: print(words, flush=True))
    one = case(seed, number)
    print(f"seed {seed} case {number}: {one}", flush=True)
    try:
        trial = run(worker.scene, one, print)
    finally:
        if not keep:
            worker.end()
    print(trial.raw if trial.problems else "", *(f"  wrong: {problem}" for problem in trial.problems), sep="\n")
    print(f"{trial.verdict} in {trial.seconds:.1f} s" + (f"; the lab is in {worker.home}" if keep else ""))
    return 1 if trial.problems else 0


if __name__ == "__main__":
    sys.exit(main())
