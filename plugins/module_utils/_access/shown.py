# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan and what has come of it, as people see them: without passwords, without what looks like a secret."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._access import record as r
from ansible_collections.toombos.incident.plugins.module_utils._access.types import Ending, Fields, Plan
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_MOST = 200  # processes that are listed
_MOST_COMMAND = 300  # characters


def plan(what: Plan) -> dict[str, Any]:
    """For the result: ``plan`` line by line, ``notes``, ``sessions``."""
    endings = what.choice.endings
    lines = [f"lock {lock.user}: {_state(lock.before)} → {_state(lock.after)}" for lock in what.locks]
    lines += [f"{user} is locked already" for user in what.locked]
    lines += [f"end {ending.words}" for ending in endings[:_MOST]]
    if len(endings) > _MOST:
        lines.append(f"end {len(endings) - _MOST} processes more")
    for step in what.steps:
        undo = f"undo: {_command(step.undo)}" if step.undo else "cannot be undone"
        lines.append(f"run {redact(step.name)}: {_command(step.run)} ({undo})")
    notes = list(what.choice.notes)
    if what.wish.others:
        notes.append("sessions that are ended do not come back; whoever logs in until then is ended with them")
    return {"plan": lines, "notes": notes, "sessions": [_session(ending) for ending in endings[:_MOST]]}


def difference(what: Plan) -> dict[str, str]:
    """Before and after, for ``--diff``."""
    before = [f"account {lock.user}: {_state(lock.before)}" for lock in what.locks]
    after = [f"account {lock.user}: {_state(lock.after)}" for lock in what.locks]
    before += [f"process {ending.words}" for ending in what.choice.endings[:_MOST]]
    after += [f"step {redact(step.name)}: run" for step in what.steps]
    return _diff(before, after)


def difference_back(record: r.Record, users: Sequence[str]) -> dict[str, str]:
    """The same for giving back."""
    steps = [taken for taken in record.steps if taken.state != r.UNDONE]
    before = [f"account {user}: locked" for user in users] + [f"step {redact(taken.name)}: run" for taken in steps]
    after = [f"account {user}: as before" for user in users]
    after += [f"step {redact(taken.name)}: {'undone' if taken.undo else 'run'}" for taken in steps]
    return _diff(before, after)


def of_record(record: r.Record | None) -> dict[str, Any]:
    """What is taken away, for the result."""
    if record is None:
        return {}
    return {
        "accounts": [locked.user for locked in record.accounts],
        "steps": [{"name": redact(taken.name), "state": taken.state, "said": taken.said} for taken in record.steps],
    }


def more(found: Mapping[str, Any]) -> dict[str, Any]:
    """What the engine adds, JSON-ready."""
    return {
        key: [_session(each) if isinstance(each, Ending) else each for each in value]
        if isinstance(value, (list, tuple))
        else value
        for key, value in found.items()
    }


def _session(ending: Ending) -> dict[str, Any]:
    return {
        "pid": ending.pid,
        "user": ending.user,
        "tty": ending.terminal,
        "from": ending.origin,
        "command": ending.command,
        "why": ending.why,
    }


def _state(fields: Fields) -> str:
    password = "no password" if fields.password.startswith((b"!", b"*")) else "password"
    day = fields.expire.decode("ascii", "replace")
    return f"{password}, {f'expires on day {day}' if day else 'never expires'}"


def _command(argv: Sequence[str]) -> str:
    return "".join(each if each.isprintable() else "?" for each in redact(" ".join(argv)))[:_MOST_COMMAND]


def _diff(before: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    return {
        "before_header": "access",
        "after_header": "access",
        "before": "".join(f"{line}\n" for line in before),
        "after": "".join(f"{line}\n" for line in after),
    }
