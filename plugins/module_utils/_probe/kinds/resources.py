# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds disk, memory and load: how much of the host is used up."""

from __future__ import annotations

import os
from typing import Mapping

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import (
    DiskTarget,
    Levels,
    LoadTarget,
    MemoryTarget,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, WARN, Outcome


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
    sizes = {}
    with open(f"{context.proc}/meminfo", encoding="ascii") as file:
        for line in file:
            name, _colon, size = line.partition(":")
            sizes[name] = int(size.split()[0])
    used = 100.0 * (1 - sizes["MemAvailable"] / sizes["MemTotal"])
    return _judge({"memory": used}, {"memory": target.levels}, "percent used")


def attempt_load(target: LoadTarget, _deadline: float, context: Context) -> Outcome:
    """The one-minute load average, per core."""
    with open(f"{context.proc}/loadavg", encoding="ascii") as file:
        load = float(file.read().split()[0])
    return _judge({"load": load / (os.cpu_count() or 1)}, {"load": target.levels}, "per core")


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
