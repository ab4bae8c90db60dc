# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Giving access back: steps in reverse order, then accounts, and only what is still as we have left it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._access import record as r, shadow
from ansible_collections.toombos.incident.plugins.module_utils._access.engine import Done, Parts, run_step, with_step
from ansible_collections.toombos.incident.plugins.module_utils._access.shadow_file import change_shadow
from ansible_collections.toombos.incident.plugins.module_utils._access.types import Fields


@dataclass(frozen=True)
class Back:
    """``wanted``: fields of entries that go back; ``findings``: what others have changed, and is left to people."""

    wanted: Mapping[str, Fields]
    findings: tuple[str, ...]


def restore(parts: Parts, record: r.Record, how: Mapping[str, Any], timeout: float, *, force: bool) -> Done:
    """Take back what the record says. ``force``: go on where a step cannot be undone. Raises IncidentError."""
    findings: list[str] = []
    for taken in reversed(record.steps):
        if taken.state == r.UNDONE:
            continue
        record, problem = _undo(parts, record, taken, timeout)
        if problem and not force:
            return Done("not everything is back", True, record, problem)
        if problem or not taken.undo:
            findings.append(problem or f"the step {taken.name!r} has no undo and stays done")
    if record.accounts:
        judged: list[Back] = []

        def change(data: bytes) -> bytes:
            judged.append(judge(data, record))
            return shadow.with_fields(data, judged[0].wanted)

        change_shadow(change, parts.etc)
        findings += judged[0].findings
    if record.sessions:
        findings.append(f"{len(record.sessions)} processes of sessions were ended; those do not come back")
    path = parts.records.close(record, how)
    return Done("accounts and steps are back", True, record, more={"findings": findings, "archive": path})


def judge(data: bytes, record: r.Record) -> Back:
    """Which entries of ``data`` (/etc/shadow) are still ours. Pure."""
    wanted: dict[str, Fields] = {}
    findings = []
    for locked in record.accounts:
        try:
            now = shadow.fields_of(data, locked.user)
        except shadow.BadEntry as error:
            findings.append(f"{locked.user} was not given back: {error}")
            continue
        if shadow.digest(now) == locked.digest and now.expire.decode("ascii", "replace") == locked.after:
            wanted[locked.user] = Fields(
                now.password[1:] if locked.prefixed else now.password, locked.before.encode("ascii", "replace")
            )
        elif not _is_before(now, locked):
            findings.append(
                f"{locked.user} was changed by somebody else since it was locked, and stays as it is: look at it with "
                f"chage -l {locked.user}"
            )
    return Back(wanted, tuple(findings))


def _is_before(now: Fields, locked: r.Locked) -> bool:
    """It was given back already, or was never locked: the call was killed in between."""
    as_locked = Fields(b"!" + now.password if locked.prefixed else now.password, b"")
    return shadow.digest(as_locked) == locked.digest and now.expire.decode("ascii", "replace") == locked.before


def _undo(parts: Parts, record: r.Record, taken: r.Taken, timeout: float) -> tuple[r.Record, str]:
    """The record then, and in words why it failed."""
    if not taken.undo:
        return with_step(record, replace(taken, state=r.UNDONE)), ""
    record = with_step(record, replace(taken, state=r.UNDOING))
    parts.records.write(record)
    fine, said = run_step(parts, taken.undo, timeout)
    if not fine:
        record = with_step(record, replace(taken, state=r.UNDOING, said=said))
        parts.records.write(record)
        return record, (
            f"The step {taken.name!r} could not be undone ({said}). Accounts are still locked. Mend it and run again, "
            "or leave it as it is with force: true and a reason."
        )
    record = with_step(record, replace(taken, state=r.UNDONE, said=said))
    parts.records.write(record)
    return record, ""
