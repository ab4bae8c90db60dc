# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds disk, memory, swap, open_files, load and cpu: how much of the host is used up."""

from __future__ import annotations

import os
import re
from typing import Mapping

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import (
    CpuTarget,
    DiskTarget,
    Levels,
    LoadTarget,
    MemoryTarget,
    OpenFilesTarget,
    SwapTarget,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, WARN, Outcome

_LOOK = 0.5  # seconds over which processor time is measured
_FEW = 16  # open files of a process that is not looked at any further
_LIMIT = re.compile(r"^Max open files\s+(\d+)", re.MULTILINE)


def attempt_disk(target: DiskTarget, deadline: float, context: Context) -> Outcome:
    """Percent used of bytes and inodes, as df counts: what root has reserved is not available."""
    levels = {"bytes": target.bytes, "inodes": target.inodes}
    try:
        found = call_by(deadline, context.clock, lambda: os.statvfs(target.path))
    except Overdue:
        return Outcome(FAIL, reasons.TIMEOUT, f"the file system of {target.path} does not answer")
    except OSError as error:
        return Outcome(FAIL, reasons.MISSING, f"{target.path}: {error.strerror}")
    used = {
        "bytes": _percent(found.f_blocks - found.f_bfree, found.f_bavail),
        "inodes": _percent(found.f_files - found.f_ffree, found.f_favail),
    }
    return _judge(used, levels, f"percent used of {target.path}")


def attempt_memory(target: MemoryTarget, _deadline: float, context: Context) -> Outcome:
    """Percent of the memory that is not available to new work without swapping."""
    sizes = _meminfo(context)
    used = 100.0 * (1 - sizes["MemAvailable"] / sizes["MemTotal"])
    return _judge({"memory": used}, {"memory": target.levels}, "percent used")


def attempt_swap(target: SwapTarget, _deadline: float, context: Context) -> Outcome:
    """Percent of the swap space that is used; a host without any uses none."""
    sizes = _meminfo(context)
    used = _percent(sizes["SwapTotal"] - sizes["SwapFree"], sizes["SwapFree"])
    return _judge({"swap": used}, {"swap": target.levels}, "percent used")


def attempt_cpu(target: CpuTarget, deadline: float, context: Context) -> Outcome:
    """Percent of all processors' time over half a second; waiting for disks is not work."""
    before = _cpu_times(context)
    context.clock.sleep(max(0.0, min(_LOOK, (deadline - context.clock.monotonic()) / 2)))
    spent = [now - then for now, then in zip(_cpu_times(context), before)]
    idle = sum(spent[3:5])  # idle and iowait
    return _judge({"cpu": _percent(sum(spent) - idle, idle)}, {"cpu": target.levels}, "percent used")


def attempt_open_files(target: OpenFilesTarget, deadline: float, context: Context) -> Outcome:
    """Percent of the kernel's limit, and of that of the process which is nearest to its own."""
    try:
        with open(f"{context.proc}/sys/fs/file-nr", encoding="ascii") as file:
            allocated, _unused, most = map(int, file.read().split())
        used, who = call_by(deadline, context.clock, lambda: _nearest_to_its_limit(context.proc))
    except Overdue:
        return Outcome(FAIL, reasons.TIMEOUT, f"{context.proc} does not answer")
    measured = {"host": 100.0 * allocated / most, "process": used}
    outcome = _judge(measured, dict.fromkeys(measured, target.levels), "percent of what is allowed")
    return Outcome(outcome.status, outcome.reason, f"{outcome.message}{who}", outcome.observed, outcome.expected)


def attempt_load(target: LoadTarget, _deadline: float, context: Context) -> Outcome:
    """The one-minute load average, per core."""
    with open(f"{context.proc}/loadavg", encoding="ascii") as file:
        load = float(file.read().split()[0])
    return _judge({"load": load / (os.cpu_count() or 1)}, {"load": target.levels}, "per core")


def _meminfo(context: Context) -> dict[str, int]:
    sizes = {}
    with open(f"{context.proc}/meminfo", encoding="ascii") as file:
        for line in file:
            name, _colon, size = line.partition(":")
            sizes[name] = int(size.split()[0])
    return sizes


def _cpu_times(context: Context) -> list[int]:
    """Ticks of user, nice, system, idle, iowait, irq, softirq, steal; what guests use is in the first two."""
    with open(f"{context.proc}/stat", encoding="ascii") as file:
        return [int(ticks) for ticks in file.readline().split()[1:9]]


def _nearest_to_its_limit(proc: str) -> tuple[float, str]:
    """Percent of its limit of open files that a process uses, at most, and which one it is. Others' are passed over."""
    worst, who = 0.0, ""
    for pid in filter(str.isdigit, os.listdir(proc)):
        try:
            count = len(os.listdir(f"{proc}/{pid}/fd"))
            if count < _FEW:
                continue
            with open(f"{proc}/{pid}/limits", encoding="ascii", errors="replace") as file:
                limit = _LIMIT.search(file.read())
        except OSError:  # it has ended, or is another user's
            continue
        if limit and int(limit[1]) and 100.0 * count / int(limit[1]) > worst:
            worst, who = 100.0 * count / int(limit[1]), f" (pid {pid}: {count} of {limit[1]})"
    return worst, who


def _percent(used: int, available: int) -> float:
    # Some file systems (btrfs) count no inodes: nothing can be used up then.
    return 100.0 * used / (used + available) if used + available else 0.0


def _judge(measured: Mapping[str, float], levels: Mapping[str, Levels], unit: str) -> Outcome:
    observed = {name: round(value, 1 if value >= 10 else 2) for name, value in measured.items()}
    expected = {name: {"warn": level.warn, "fail": level.fail} for name, level in levels.items()}
    message = ", ".join(f"{name} {value:g}" for name, value in observed.items()) + f" {unit}"
    if any(value >= levels[name].fail for name, value in measured.items()):
        return Outcome(FAIL, reasons.OVER_LIMIT, message, observed, expected)
    if any(value >= levels[name].warn for name, value in measured.items()):
        return Outcome(WARN, reasons.OVER_LIMIT, message, observed, expected)
    return Outcome(PASS, reasons.OK, message, observed, expected)
