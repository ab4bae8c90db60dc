# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind log: how many errors the end of a log has, without those that are known to be harmless."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from dataclasses import dataclass
from typing import Callable, Iterable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds.files import newest, unreadable
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import LogTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, WARN, Outcome
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration
from ansible_collections.toombos.incident.plugins.module_utils._written import written_at

_SAMPLE = 200
_LONGEST = 4000  # characters of a line that are looked at
_TRACEBACK = "Traceback (most recent call last):"
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")


@dataclass(frozen=True)
class Errors:
    """Errors counted, with the first and the last line of them; ``timed``: the log says when its lines were written."""

    count: int = 0
    first: str = ""
    last: str = ""
    timed: bool = True


def attempt(target: LogTarget, deadline: float, context: Context) -> Outcome:
    """Read the end of the log once. A log that is not there has no errors to show, and that is a failure to look."""
    try:
        path, text = call_by(deadline, context.clock, lambda: _read_log(newest(target.path), target.window))
    except Overdue:
        return Outcome(FAIL, reasons.TIMEOUT, f"the file system of {target.path} does not answer")
    except OSError as error:
        return unreadable(target.path, error)
    oldest = None if target.since is None else time.time() - target.since
    return _judge(target, path, count_errors(text.splitlines(), target.match, target.baseline, oldest))


def count_errors(lines: Iterable[str], match: str, baseline: Sequence[str], oldest: float | None) -> Errors:
    """Pure. A traceback and the line that announces it are one error; ``oldest`` in seconds since the epoch."""
    is_error, is_harmless = re.compile(match).search, [re.compile(pattern).search for pattern in baseline]
    found, when, timed = Errors(timed=oldest is None), None, False
    for head, body in _entries(line[:_LONGEST] for line in lines):
        written = written_at(head)
        when, timed = (written, True) if written is not None else (when, timed)
        if oldest is not None and when is not None and when < oldest:
            continue
        told = _told(head, body, is_error)
        if told and not any(harmless(line) for harmless in is_harmless for line in (head, *body)):
            found = Errors(found.count + 1, found.first or told, told, found.timed)
    return Errors(found.count, found.first, found.last, found.timed or timed)


def _entries(lines: Iterable[str]) -> Iterable[tuple[str, list[str]]]:
    """Lines with what belongs to them: indented lines, tracebacks, and the exception at the end of one."""
    head, body, in_traceback, complete = "", [], False, False
    for line in lines:
        starts = line.startswith(_TRACEBACK)
        within = line[:1] in (" ", "\t") or not line.strip()
        chained = line.startswith(_CHAINED)
        # One traceback belongs to a line; the next one only where Python says so. Else it is another error.
        belongs = within or chained or in_traceback or (starts and not complete)
        if belongs and head:
            body.append(line)
            complete = not chained and (complete or (in_traceback and not within))
            in_traceback = starts or (in_traceback and within)
            continue
        if head:
            yield head, body
        head, body, in_traceback, complete = line, [], starts, False
    if head:
        yield head, body


def _told(head: str, body: Sequence[str], is_error: Callable[[str], object]) -> str:
    """The line that tells the error best; empty when there is none."""
    if is_error(head) and not head.startswith(_TRACEBACK):
        return head.strip()
    spoken = [line.strip() for line in body if line.strip() and line[:1] not in (" ", "\t")]
    if head.startswith(_TRACEBACK) or any(line.startswith(_TRACEBACK) for line in body):
        return spoken[-1] if spoken else head.strip()
    return next((line.strip() for line in body if is_error(line)), "")


def _judge(target: LogTarget, path: str, errors: Errors) -> Outcome:
    # Before they are cut: half a secret is not recognised as one.
    first, last = (redact(line)[:_SAMPLE] for line in (errors.first, errors.last))
    observed = {"path": path, "errors": errors.count, "first": first, "last": last}
    limits = {name: level for name, level in target.levels.__dict__.items() if level != float("inf")}
    span = f"the last {target.window // 1024} KiB" if target.since is None else format_duration(target.since)
    untold = "" if errors.timed or not errors.count else " (its lines do not say when, so all of them count)"
    message = f"{errors.count} errors in {span} of {path}{untold}"
    if last:
        message += f", the last: {last}"
    for status, limit in ((FAIL, target.levels.fail), (WARN, target.levels.warn)):
        if errors.count >= limit:
            return Outcome(status, reasons.ERRORS, message, observed, limits)
    return Outcome(PASS, reasons.OK, message, observed, limits)


def _read_log(path: str, window: int) -> tuple[str, str]:
    """The end of the log. What a rotation has just moved away belongs to it as long as the new file is short."""
    text, size = _read_end(path, window)
    if size < window:
        with contextlib.suppress(OSError):  # there need not be an older one
            text = _read_end(f"{path}.1", window - size)[0] + "\n" + text
    return os.path.realpath(path), text


def _read_end(path: str, window: int) -> tuple[str, int]:
    """The whole lines in the last ``window`` bytes, and the size of the file."""
    # O_NONBLOCK: a pipe in the place of a log must not hold up the probe.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(22, "is not a file")
        start = max(0, found.st_size - window)
        data = os.pread(descriptor, window, start)
    finally:
        os.close(descriptor)
    if start:  # the first line is most likely only the end of one
        data = data.partition(b"\n")[2]
    return data.decode("utf-8", "replace"), found.st_size
