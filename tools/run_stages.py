# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the stages of the test suite: in parallel where they may, with a log each and one summary.

Usage: run_stages.py all | GROUP ... | STAGE ...      (stages.toml beside this file lists them)
The last line on the screen is ``N passed, N failed``. Exit code 0: every stage passed or said why it was skipped.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import mirror
from stage_causes import brief, causes
from stage_counts import Counts, count

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
PARALLEL, WAITING = 2, 1  # stages at a time: those that need a processor, and those that mostly wait
SKIPPED = 77  # the exit code by which a command says that it cannot run here; its last line says why
HEARTBEAT = 60.0
SHOWN_AT_THE_END = 60


@dataclass(frozen=True)
class Stage:
    """One entry of stages.toml.

    ``mirror``: it works in the mirror. ``waits``: it mostly waits, and runs beside any others. ``after``: not before
    these are over, if they run. ``timeout``: seconds.
    """

    name: str
    group: str
    run: str
    counts: str
    mirror: bool = False
    waits: bool = False
    after: Sequence[str] = ()
    timeout: int = 900


@dataclass
class Run:
    """A stage that was started. ``processor``: seconds, but for those of containers, which are nobody's children."""

    stage: Stage
    process: subprocess.Popen[bytes]
    started: float
    duration: float = 0.0
    processor: float = 0.0
    state: str = ""
    counts: Counts = field(default_factory=Counts)

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return LOGS / f"{self.stage.name}.log"

    def summary(self) -> str:
        """How it ended, after how long, and what it took of the processors."""
        took = f"{self.duration:6.1f} s {self.processor:6.1f} cpu-s"
        return f"  {self.state:<8} {self.stage.name:<20} {took}  {self.counts}"

    def last_line(self) -> str:
        """The newest line of its log that says something."""
        lines = self.log.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")[:110]


def load(names: Sequence[str]) -> list[Stage]:
    """The stages of these groups or names, in the order of the file."""
    entries = tomllib.loads((ROOT / "tools" / "stages.toml").read_text())["stage"]
    stages = [Stage(**entry) for entry in entries]
    known = {"all"} | {stage.name for stage in stages} | {stage.group for stage in stages}
    unknown = sorted(set(names) - known)
    if unknown or not names:
        sys.exit(f"No such stage: {', '.join(unknown) or '(none named)'}. There are: {', '.join(sorted(known))}.")
    return [stage for stage in stages if {"all", stage.name, stage.group} & set(names)]


def environment() -> dict[str, str]:
    """That of ``make``, also for who starts this file by hand: the tools beside this interpreter come first."""
    return {
        **os.environ,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "PY_COLORS": "0",
        "ANSIBLE_NOCOLOR": "1",
        "COLUMNS": "160",
    }


def start(stage: Stage) -> Run:
    """Start a stage in a process group of its own, without a terminal to ask questions on."""
    print(f"  start    {stage.name}", flush=True)
    with (LOGS / f"{stage.name}.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", stage.run],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Run(stage, process, time.monotonic())


def end(run: Run) -> None:
    """Take the whole process group down, politely first."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(run.process.pid, how)
            run.process.wait(timeout=10)


def _processor() -> float:
    """Seconds of processor that the children have taken which are over, with all of theirs."""
    taken = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken.ru_utime + taken.ru_stime


def finished(run: Run) -> bool:
    """Whether the stage is over; then its state and counts are known and were printed."""
    before = _processor()
    rc = run.process.poll()
    run.processor += _processor() - before
    run.duration = time.monotonic() - run.started
    if rc is None and run.duration < run.stage.timeout:
        return False
    if rc is None:
        end(run)
        with run.log.open("a") as log:
            log.write(f"\nEnded: it took longer than {run.stage.timeout} s.\n")
        rc = 124
    if rc == SKIPPED:
        run.state, run.counts = "SKIPPED", Counts(skipped=1)
        note = run.last_line()
    else:
        run.counts = count(run.stage.counts, run.log.read_text(errors="replace"), rc)
        if not run.counts.passed + run.counts.failed:
            run.counts = Counts(failed=1, skipped=run.counts.skipped)
            with run.log.open("a") as log:
                log.write("\nThis stage ran no test.\n")
        run.state = "FAILED" if run.counts.failed else "ok"
        note = str(run.counts)
    print(f"  {run.state:<8} {run.stage.name:<20} {run.duration:6.1f} s  {note}", flush=True)
    return True


def next_stage(waiting: Sequence[Stage], running: Sequence[Run]) -> Stage | None:
    """The first stage that may start beside the running ones."""
    pending = {stage.name for stage in waiting} | {run.stage.name for run in running}
    idle = sum(run.stage.waits for run in running)
    for stage in waiting:
        room = idle < WAITING if stage.waits else len(running) - idle < PARALLEL
        if room and not pending & set(stage.after):
            return stage
    return None


def run_all(stages: Sequence[Stage]) -> list[Run]:
    """Run them; returns when all are over."""
    waiting, running, done = list(stages), list[Run](), list[Run]()
    quiet_since = time.monotonic()
    try:
        while waiting or running:
            stage = next_stage(waiting, running)
            if stage:
                waiting.remove(stage)
                running.append(start(stage))
                quiet_since = time.monotonic()
                continue
            time.sleep(0.1)
            for run in [run for run in running if finished(run)]:
                running.remove(run)
                done.append(run)
                quiet_since = time.monotonic()
            if time.monotonic() - quiet_since > HEARTBEAT:
                quiet_since = time.monotonic()
                for run in running:
                    print(f"  ...      {run.stage.name:<20} {run.duration:6.1f} s  {run.last_line()}", flush=True)
    finally:
        for run in running:
            end(run)
    return done


def show_failure(run: Run) -> None:
    """What its log tells of the causes, then how it ends."""
    log = run.log.read_text(errors="replace").rstrip()
    lines = log.split("\n")
    where = f"{run.log.relative_to(ROOT)}, {len(lines)} lines"
    if told := causes(log, but_last=SHOWN_AT_THE_END):
        print(f"\n----- {run.stage.name} failed: what tells why in {where}")
        print("\n".join(told))
    print(f"\n----- {run.stage.name} failed: the end of {where}")
    print("\n".join(lines[-SHOWN_AT_THE_END:]))


def report(done: Sequence[Run], seconds: float) -> int:
    """The failures, the table and the closing line; returns the exit code."""
    for run in done:
        if run.state == "FAILED":
            show_failure(run)
    if len(done) > 1:
        print(f"\n{len(done)} stages in {seconds:.0f} s")
        for run in done:
            print(run.summary())
    total = sum((run.counts for run in done), Counts())
    for run in done:
        if run.state == "SKIPPED":
            print(f"\n{run.stage.name} was SKIPPED: {run.last_line()}")
    for run in done:
        if run.state == "FAILED" and len(done) > 1:
            # Once more and short: who sees only the end of a long output sees why.
            print(f"\n{run.stage.name} FAILED:", *brief(run.log.read_text(errors="replace")), sep="\n  ")
    print(f"\n{total}", flush=True)
    return 1 if total.failed or not (total.passed or total.skipped) else 0


def main(names: Sequence[str]) -> int:
    """Run what was named."""
    stages = load(names)
    LOGS.mkdir(parents=True, exist_ok=True)
    if any(stage.mirror for stage in stages):
        mirror.main()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    try:
        done = run_all(stages)
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
        return 130
    return report(done, time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
