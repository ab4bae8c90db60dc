# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of one competitor: broken before, measured, judged afterwards by asking the services themselves."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from competitors import ROOT, Competitor
from hosts import Fleet, Host, NotRecovered, Traffic

_LONGEST = 1800.0  # seconds


@dataclass(frozen=True)
class Run:
    """``wall`` and ``cpu`` in seconds, ``cpu`` of everything that ran on the controller."""

    wall: float
    cpu: float
    traffic: Traffic


@dataclass(frozen=True)
class Memory:
    """Proportional set sizes in bytes at the highest moment: of the whole tree, of its root alone."""

    peak: int
    root: int
    processes: int


def run(fleet: Fleet, competitor: Competitor, fault: str | None) -> Run:
    """Break (or not), run, verify. Raises NotRecovered: what did not do the work has no figure."""
    births = fleet.each(Host.births)
    if fault:
        fleet.each(Host.break_all, fault)
    with _launched(fleet, competitor) as (process, before, began):
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        masters = _end_orphans()
    _verify(fleet, competitor, process.returncode, births, fault)
    return Run(wall, usage.ru_utime + usage.ru_stime + masters, fleet.traffic() - before)


def memory(fleet: Fleet, competitor: Competitor, fault: str) -> Memory:
    """A run of its own, because looking at the memory costs time."""
    fleet.each(Host.break_all, fault)
    highest = Memory(0, 0, 0)
    with _launched(fleet, competitor) as (process, _before, _began):
        ended = threading.Event()
        threading.Thread(target=lambda: (process.wait(), ended.set()), daemon=True).start()
        while not ended.wait(0.1):
            sizes = {pid: _pss(pid) for pid in (process.pid, *_below(process.pid))}
            now = Memory(sum(sizes.values()), sizes[process.pid], sum(map(bool, sizes.values())))
            highest = max(highest, now, key=lambda one: one.peak)
        _end_orphans()
    return highest


@contextlib.contextmanager
def _launched(fleet: Fleet, competitor: Competitor) -> Iterator[tuple[subprocess.Popen[bytes], Traffic, float]]:
    """With cold connections: the sockets of kept ones lie in a directory of this run."""
    sockets = tempfile.mkdtemp(prefix="bench-")
    environment = {**os.environ, **competitor.environment, "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets}
    before = fleet.traffic()
    with open(_log(fleet, competitor), "wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            competitor.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        alarm = threading.Timer(_LONGEST, os.killpg, (process.pid, signal.SIGKILL))
        alarm.daemon = True
        alarm.start()
        try:
            yield process, before, began
        finally:
            alarm.cancel()
            shutil.rmtree(sockets, ignore_errors=True)


def _verify(fleet: Fleet, competitor: Competitor, rc: int, births: list[dict[str, str]], fault: str | None) -> None:
    if competitor.recovers:
        found = [host.problems(born, restarted=fault is not None) for host, born in zip(fleet.hosts, births)]
        problems = [problem for each in found for problem in each]
    else:
        problems = []
    if rc or problems:
        more = f" … and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise NotRecovered(
            f"{competitor.name} has not done its work: rc {rc}, {', '.join(problems[:5])}{more}; "
            f"see {_log(fleet, competitor)}"
        )


def _log(fleet: Fleet, competitor: Competitor) -> Path:
    return fleet.home / "log" / f"{''.join(c if c.isalnum() else '-' for c in competitor.name)}.log"


def _end_orphans() -> float:
    """End what the run has left behind, the masters of kept connections; their processor time in seconds.

    As the first process of its namespace this one inherits them.
    """
    used = 0.0
    for pid in _children(os.getpid()):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() in ("ssh", "ansible-playboo"):
                os.kill(pid, signal.SIGTERM)
                usage = os.wait4(pid, 0)[2]
                used += usage.ru_utime + usage.ru_stime
    return used


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return []


def _below(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _below(child)


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return 0
