# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind file: a file that is there, was written lately, and has the right size."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import stat
import time
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import FileTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, WARN, Outcome
from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration

_SKEW = 60.0  # seconds by which a file may lie in the future before that is worth a word


def attempt(target: FileTarget, deadline: float, context: Context) -> Outcome:
    """Look once; a dead mount costs the timeout and no more."""
    try:
        path, found = call_by(deadline, context.clock, lambda: _look(target.path))
    except Overdue:
        return Outcome(FAIL, reasons.TIMEOUT, f"the file system of {target.path} does not answer")
    except OSError as error:
        return unreadable(target.path, error)
    return judge(target, path, found, time.time())


def newest(path: str) -> str:
    """The path itself, or the newest match of a wildcard in its last component. Raises FileNotFoundError."""
    folder, name = os.path.split(path)
    if not any(sign in name for sign in "*?["):
        return path
    written: dict[str, float] = {}
    for entry in os.listdir(folder):
        if fnmatch.fnmatchcase(entry, name):
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile, or a link that leads nowhere
                found = os.stat(os.path.join(folder, entry))
                if stat.S_ISREG(found.st_mode):
                    written[os.path.join(folder, entry)] = found.st_mtime
    if not written:
        raise FileNotFoundError(2, "no file matches")
    return max(written, key=lambda match: (written[match], match))


def unreadable(path: str, error: OSError) -> Outcome:
    """The failure to look at a file."""
    reason = reasons.DENIED if isinstance(error, PermissionError) else reasons.MISSING
    return Outcome(FAIL, reason, f"{path}: {error.strerror}")


def judge(target: FileTarget, path: str, found: os.stat_result, now: float) -> Outcome:
    """Pure: what the file's metadata mean. ``now`` in seconds since the epoch."""
    age = now - found.st_mtime
    observed: dict[str, Any] = {"path": path, "size": found.st_size, "age": round(age, 1)}
    expected = {
        "max_age": {"warn": target.max_age.warn, "fail": target.max_age.fail},
        "min_size": target.min_size,
        "max_size": target.max_size,
    }
    if not stat.S_ISREG(found.st_mode):
        return Outcome(FAIL, reasons.MISSING, f"{path} is not a file", observed, expected)
    if target.min_size is not None and found.st_size < target.min_size:
        return Outcome(
            FAIL,
            reasons.WRONG_SIZE,
            f"{path} has {found.st_size} of at least {target.min_size} bytes",
            observed,
            expected,
        )
    if target.max_size is not None and found.st_size > target.max_size:
        return Outcome(
            FAIL,
            reasons.WRONG_SIZE,
            f"{path} has {found.st_size} of at most {target.max_size} bytes",
            observed,
            expected,
        )
    when = f"{path} was written {format_duration(age)} ago" if age >= 0 else f"{path} was written just now"
    if age < -_SKEW:
        return Outcome(
            WARN,
            reasons.STALE,
            f"{path} lies {format_duration(-age)} in the future: a clock is wrong",
            observed,
            expected,
        )
    for status, limit in ((FAIL, target.max_age.fail), (WARN, target.max_age.warn)):
        if limit is not None and age >= limit:
            return Outcome(status, reasons.STALE, f"{when} (limit {format_duration(limit)})", observed, expected)
    return Outcome(PASS, reasons.OK, when, observed, expected)


def _look(path: str) -> tuple[str, os.stat_result]:
    found = newest(path)
    return os.path.realpath(found), os.stat(found)
