# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log recovery as a whole: look, plan, and apply unless it is a rehearsal; the result as data."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.apply import apply_step
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.backups import find_backups
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.observe import (
    Ask,
    observe_held,
    observe_log,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import Unsafe, opened
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.plan import (
    plan_access,
    plan_held,
    plan_log,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.record import append
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.rotated import observe_rotated
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.stage import leftovers, remove_leftovers
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import (
    EXCHANGE,
    KEEP,
    PREPEND,
    REFUSE,
    Found,
    FoundHeld,
    Inode,
    Outcome,
    Step,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.wish import Wish, expand, is_log, read_wish
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.writers import find_writers
from ansible_collections.toombos.incident.plugins.module_utils._recovery.freeze import FreezeSwitch
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import recovery_lock
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment
from ansible_collections.toombos.incident.plugins.module_utils._values import format_size, parse_duration

_Plan = Sequence[Step]


def restore_logs(options: Mapping[str, Any], check_mode: bool, clock: Clock | None = None) -> dict[str, Any]:
    """The module's result, see there. Raises IncidentError: options that are not valid, a frozen host."""
    clock = clock or Clock()
    wish = read_wish(options)
    patience = parse_duration(options["lock_timeout"])
    deadline = parse_duration(options["deadline"])
    if check_mode:
        plan, left = _look(wish, deadline, clock)
        return _result(plan, [Outcome(step, step.action, step.reason, bool(step.how)) for step in plan], left, "")
    with recovery_lock(options["store_dir"], options["who"], patience=patience, clock=clock):
        plan, left = _look(wish, deadline, clock)
        freeze = FreezeSwitch(options["state_dir"])
        if left or any(step.how for step in plan):
            _thawed(freeze, clock)
        left = sum(_clean(folder) for folder in _folders(plan))
        outcomes: list[Outcome] = []
        try:
            for step in plan:
                if step.how:
                    _thawed(freeze, clock, _result(plan, outcomes, left, ""))
                outcomes.append(apply_step(step))
        finally:
            note = _record(options, outcomes, clock)
    return _result(plan, outcomes, left, note)


def _look(wish: Wish, deadline: float, clock: Clock) -> tuple[_Plan, int]:
    """The plan, and how many leftovers there are. Raises IncidentError when it takes too long."""
    try:
        return call_by(clock.monotonic() + deadline, clock, lambda: _observe(wish, clock))
    except Overdue as error:
        raise IncidentError(
            f"The logs and their backups were not read within {deadline:.0f} seconds; nothing was changed.",
            "Is a file system not answering? Give a longer deadline, or fewer logs.",
        ) from error


def _observe(wish: Wish, clock: Clock) -> tuple[_Plan, int]:
    backups, useless = find_backups(wish.patterns, wish.until)
    logs = expand(wish.targets, backups)
    writers = find_writers(_inodes({os.path.dirname(path) for path in logs}), lambda path: is_log(wish.targets, path))
    names = Counter(os.path.basename(path) for path in logs)
    ask = Ask(backups, useless, wish.policy, frozenset(name for name, count in names.items() if count > 1))
    found = [observe_log(path, ask, writers) for path in logs]
    rotated = [each for log in found for each in observe_rotated(log, ask, writers)]
    held = [observe_held(path, each, wish.policy) for path, each in writers.held]
    plan = make_plan(held, [*found, *rotated], time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock.wall())))
    return plan, sum(_count(folder) for folder in _folders(plan))


def _inodes(folders: Iterable[str]) -> set[Inode]:
    """Of all that is in these directories."""
    found = set()
    for folder in folders:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    found.add((status.st_dev, status.st_ino))
    return found


def make_plan(held: Sequence[FoundHeld], found: Sequence[Found], stamp: str) -> _Plan:
    """All steps: first what is lost when a process ends."""
    steps = [plan_held(each) for each in held]
    for log in found:
        step = plan_log(log, stamp)
        granted = plan_access(log)
        # What takes the place of a log has its owner and mode from the beginning.
        if granted is not None and step.how not in (EXCHANGE, PREPEND):
            steps.append(granted)
        steps.append(step)
    return steps


def _folders(plan: _Plan) -> list[str]:
    return sorted({os.path.dirname(step.path) for step in plan if step.action != REFUSE or step.how})


def _count(folder: str) -> int:
    try:
        with opened(folder) as directory:
            return len(leftovers(directory))
    except (OSError, Unsafe):
        return 0


def _clean(folder: str) -> int:
    try:
        with opened(folder) as directory:
            return remove_leftovers(directory)
    except (OSError, Unsafe):
        return 0


def _thawed(freeze: FreezeSwitch, clock: Clock, result: dict[str, Any] | None = None) -> None:
    frozen = freeze.read(clock.wall())
    if frozen is not None:
        text = frozen.sentence
        raise IncidentError(
            f"{text[0].upper()}{text[1:]}", result={**(result or {}), "changed": bool(result and result["changed"])}
        )


def _record(options: Mapping[str, Any], outcomes: Sequence[Outcome], clock: Clock) -> str:
    entries = [_entry(outcome) for outcome in outcomes if outcome.changed]
    if not entries:
        return ""
    return append(
        options["store_dir"],
        entries,
        at=moment(clock.wall()),
        owner=options["who"],
        reason=options["reason"],
    )


def _result(plan: _Plan, outcomes: Sequence[Outcome], left: int, note: str) -> dict[str, Any]:
    entries = [_entry(outcome) for outcome in outcomes]
    return {
        "changed": bool(left) or any(outcome.changed for outcome in outcomes),
        "logs": entries,
        "refused": [entry["path"] for entry in entries if entry["action"] == REFUSE],
        "leftovers": left,
        "plan": "".join(_line(step) for step in plan if step.how or step.action == REFUSE),
        "msg": _sentence(entries, left, note),
    }


def _entry(outcome: Outcome) -> dict[str, Any]:
    step = outcome.step
    folder = os.path.dirname(step.path)
    acted = outcome.changed
    return {
        "path": _shown(step.path),
        "state": step.state,
        "action": outcome.action,
        "from": _shown(step.source) if acted else "",
        "to": _shown(os.path.join(folder, step.target)) if acted else "",
        "kept": _shown(os.path.join(folder, step.aside)) if acted and step.aside else "",
        "bytes": step.count if acted else 0,
        "sha256": outcome.sha256,
        "changed": outcome.changed,
        "reason": _shown(outcome.reason),
        "next": _shown(step.way_out) if outcome.action == REFUSE else "",
    }


def _line(step: Step) -> str:
    if not step.how:
        return f"refuse {_shown(step.path)}: {_shown(step.reason)}\n"
    target = _shown(os.path.join(os.path.dirname(step.path), step.target))
    of = f" from {_shown(step.source)}, {format_size(step.count)}" if step.source else ""
    kept = f"; what is there stays as {_shown(step.aside)}" if step.aside else ""
    return f"{step.action} {target}{of}: {_shown(step.reason)}{kept}\n"


def _sentence(entries: Sequence[Mapping[str, Any]], left: int, note: str) -> str:
    counts = Counter(entry["action"] for entry in entries)
    parts = [f"{action} {count}" for action, count in sorted(counts.items()) if action not in (KEEP, REFUSE)]
    parts.append(f"keep {counts[KEEP]}" if counts[KEEP] else "")
    parts += [
        f"NOT {entry['path']}: {entry['reason']}. {entry['next']}".strip()
        for entry in entries
        if entry["action"] == REFUSE
    ]
    parts.append(f"{left} leftovers of a run that was cut off" if left else "")
    parts.append(note)
    return "; ".join(part for part in parts if part)


def _shown(text: str) -> str:
    """Names are bytes; what is no text in them is escaped."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")
