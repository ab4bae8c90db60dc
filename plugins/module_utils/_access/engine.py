# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking access away: locks, then sessions, then steps, each recorded before it is done.

Killed at any point, the record says what may have been done; the next call finishes that, or takes it back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._access import record as r, shadow
from ansible_collections.toombos.incident.plugins.module_utils._access.ending import Ended, end_all
from ansible_collections.toombos.incident.plugins.module_utils._access.logins import Look
from ansible_collections.toombos.incident.plugins.module_utils._access.shadow_file import change_shadow
from ansible_collections.toombos.incident.plugins.module_utils._access.types import Lock, Plan, Step
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._command import CommandResult, run_command
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_MOST_SESSIONS = 500  # lines that a record keeps
_MOST_OUTPUT = 2000  # characters


@dataclass(frozen=True)
class Parts:
    """What the engine works with: real ones, or those of a test."""

    records: r.Records
    clock: Clock
    etc: str = "/etc"
    run: Callable[..., CommandResult] = run_command
    end: Callable[[Look, float, Clock], Ended] = end_all


@dataclass(frozen=True)
class Done:
    """What has come of it. ``problem``: why it is not complete, with the way out; ``more``: for the result."""

    words: str
    changed: bool
    record: r.Record | None = None
    problem: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


def revoke(parts: Parts, plan: Plan, record: r.Record, look: Look) -> Done:
    """Do what the plan says. ``record``: what was taken away before, or a new one. Raises IncidentError."""
    if plan.empty:
        return Done("it is taken away already", changed=False, record=record)
    if plan.locks:
        known = {locked.user: locked for locked in record.accounts}
        for lock in plan.locks:
            known[lock.user] = _merged(known.get(lock.user), lock)
        record = replace(record, accounts=tuple(known.values()))
        parts.records.write(record)
        _lock(parts, plan)
    ended = Ended((), ())
    if plan.choice.endings:
        told = [*record.sessions, *(ending.words for ending in plan.choice.endings)]
        record = replace(record, sessions=tuple(told[-_MOST_SESSIONS:]))
        parts.records.write(record)
        ended = parts.end(look, plan.wish.grace, parts.clock)
    record, failed = _run_all(parts, plan, record)
    problems = [failed] if failed else []
    if ended.survivors:
        pids = ", ".join(str(each.pid) for each in ended.survivors)
        problems.append(f"These processes did not end: {pids}. Look at them on the host, and run again.")
    counts = [(len(plan.locks), "locked"), (len(ended.ended), "processes ended"), (len(plan.steps), "steps")]
    words = ", ".join(f"{count} {what}" for count, what in counts if count)
    more = {"ended": ended.ended, "survivors": ended.survivors}
    return Done(words or "nothing was to be done", True, record, " ".join(problems), more)


def run_step(parts: Parts, argv: tuple[str, ...], timeout: float) -> tuple[bool, str]:
    """Whether it went well, and the end of what it said, masked."""
    answer = parts.run(list(argv), timeout=timeout, max_output=2 * _MOST_OUTPUT)
    why = "it took too long and was ended" if answer.timed_out else answer.error or f"rc {answer.rc}"
    said = redact("\n".join(filter(None, [answer.stdout.strip(), answer.stderr.strip()])))[-_MOST_OUTPUT:]
    if answer.rc == 0:
        return True, said
    return False, f"{why}{': ' if said else ''}{said}"


def with_step(record: r.Record, taken: r.Taken) -> r.Record:
    """The record with this step as it stands now."""
    others = [each for each in record.steps if each.name != taken.name]
    place = next((at for at, each in enumerate(record.steps) if each.name == taken.name), len(others))
    return replace(record, steps=(*others[:place], taken, *others[place:]))


def _merged(old: r.Locked | None, lock: Lock) -> r.Locked:
    """What was ours before stays ours: a second lock must not take our own mark for what was there before."""
    still = old is not None and old.prefixed and old.digest == shadow.digest(lock.before)
    before = lock.before.expire.decode("ascii", "replace")
    if old is not None and before == old.after:
        before = old.before
    return r.Locked(
        user=lock.user,
        prefixed=lock.after.password != lock.before.password or still,
        digest=shadow.digest(lock.after),
        before=before,
        after=lock.after.expire.decode("ascii", "replace"),
    )


def _lock(parts: Parts, plan: Plan) -> None:
    def change(data: bytes) -> bytes:
        for lock in plan.locks:
            if shadow.fields_of(data, lock.user) != lock.before:
                raise shadow.BadEntry(f"the entry of {lock.user} has changed since it was looked at")
        return shadow.with_fields(data, {lock.user: lock.after for lock in plan.locks})

    try:
        change_shadow(change, parts.etc)
    except shadow.BadEntry as error:
        raise IncidentError(f"Nobody was locked: {error}.", "Run again.") from error


def _run_all(parts: Parts, plan: Plan, record: r.Record) -> tuple[r.Record, str]:
    """Until one fails; then the words for people."""
    for step in plan.steps:
        taken = r.Taken(step.name, step.run, step.undo, r.BEGUN)
        record = with_step(record, taken)
        parts.records.write(record)
        fine, said = run_step(parts, step.run, plan.wish.step_timeout)
        record = with_step(record, replace(taken, state=r.DONE if fine else r.FAILED, said=said))
        parts.records.write(record)
        if not fine:
            return record, _failed(step, said)
    return record, ""


def _failed(step: Step, said: str) -> str:
    return (
        f"The step {step.name!r} failed ({said}). What was done before it stays done. Mend it and run again, which "
        "begins with it, or take everything back with state: restored."
    )
