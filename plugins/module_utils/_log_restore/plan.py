# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done for a log, as a pure function of what was found: nothing that exists is ever overwritten.

The table is in docs/log_restore.md. Where the facts do not prove that a step loses nothing, it is not planned.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Callable

from ansible_collections.toombos.incident.plugins.module_utils._log_restore import names
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import (
    CORRUPT,
    DELETED,
    EMPTY,
    EXCHANGE,
    EXTEND,
    GRANT,
    KEEP,
    MERGE_BEFORE,
    MISSING,
    PERMIT,
    PLACE,
    PREPEND,
    RECOVER_DELETED,
    REFUSE,
    RESTORE,
    WHOLE,
    Access,
    Condition,
    Copy,
    Found,
    FoundHeld,
    Step,
)
from ansible_collections.toombos.incident.plugins.module_utils._values import format_size


def plan_log(found: Found, stamp: str) -> Step:
    """The step for one log. ``stamp``: YYYYMMDDThhmmssZ, for the names of what is kept aside."""
    step = Step(found.path, found.state, KEEP, "", log=found.identity, access=found.access)
    if found.problem:
        return replace(step, action=REFUSE, reason=found.problem, way_out=found.way_out)
    if found.copy is None:
        return _without_copy(found, step)
    settled = _settled(found, found.copy, step)
    if settled is not None:
        return settled
    step = replace(
        step,
        source=found.copy.path,
        expected=found.copy.identity,
        digest=found.copy.condition.sha256,
        count=found.copy.condition.size,
    )
    planned = _STATES[found.state](found, found.copy, step, stamp)
    needed = planned.count + (found.identity.size if found.identity and planned.how == PREPEND else 0)
    if planned.how and needed > found.room:
        return _refuse(
            planned,
            f"{format_size(needed)} are needed and {format_size(found.room)} are free",
            "Free some space, without deleting logs, and run again.",
        )
    return planned


def plan_access(found: Found) -> Step | None:
    """The step for the owner and the mode of a log that stays, None: they are as they should be."""
    if found.problem or found.own is None or found.wanted in (None, found.own):
        return None
    return Step(
        found.path,
        found.state,
        PERMIT,
        f"belongs to {_access(found.own)}, declared is {_access(found.wanted)}",
        how=GRANT,
        target=os.path.basename(found.path),
        log=found.identity,
        access=found.wanted,
    )


def plan_held(found: FoundHeld) -> Step:
    """The step for one deleted file that is still being written."""
    held, who = found.held, f"pid {found.held.pid} ({found.held.program})"
    step = Step(
        found.path,
        DELETED,
        KEEP,
        f"deleted, but {who} still writes to it",
        source=held.source,
        target=found.name,
        count=held.identity.size - found.saved,
        skip=found.saved,
        expected=held.identity,
        access=found.access,
    )
    if found.problem:
        return _refuse(step, found.problem, found.way_out)
    if found.saved < 0:
        return _refuse(
            step, f"{found.name} holds something else", "Move that away and run again, before the process ends."
        )
    if found.saved >= held.identity.size:
        text = (
            f"nothing to be saved: {step.reason}" if not held.identity.size else f"saved in {found.name}: {step.reason}"
        )
        return replace(step, reason=text, count=0)
    if step.count > found.room:
        return _refuse(
            step,
            f"{format_size(step.count)} are needed and {format_size(found.room)} are free",
            "Free some space, without deleting logs, and run again before the process ends.",
        )
    return replace(step, action=RECOVER_DELETED, how=EXTEND if found.saved else PLACE)


def _without_copy(found: Found, step: Step) -> Step:
    passed = f" ({'; '.join(found.passed)})" if found.passed else ""
    if found.state in (MISSING, CORRUPT):
        return _refuse(
            step,
            f"{_what(found)}, and no backup has a whole copy{passed}",
            "Name the directories of older backups in log_restore_backups or incident_log_backups.",
        )
    return replace(step, reason=f"{_what(found)}; no backup has lines of it{passed}")


def _settled(found: Found, copy: Copy, step: Step) -> Step | None:
    """Nothing is lacking, or nobody can tell."""
    if found.relation.has_copy:
        return replace(step, reason=f"{_what(found)}; it has all that the backup of {copy.day} has")
    if found.relation.elsewhere:
        return replace(step, reason=f"{_what(found)}; the backup's lines are in {found.relation.elsewhere}")
    if found.relation.unread and found.state != CORRUPT:
        return _refuse(
            step,
            f"{_what(found)}; {found.relation.unread} cannot be unpacked here, the backup's lines may be in it",
            "Unpack it beside the log and run again.",
        )
    return None


def _missing(found: Found, copy: Copy, step: Step, _stamp: str) -> Step:
    if found.shifts:
        return _beside(found, copy, step, "missing, and its number may be another one now")
    return replace(
        step, action=RESTORE, how=PLACE, target=os.path.basename(found.path), reason=_from("missing", found, copy)
    )


def _empty(found: Found, copy: Copy, step: Step, stamp: str) -> Step:
    if found.writers:
        return _beside(found, copy, step, f"empty, and open in {_who(found)}, which goes on writing")
    return _exchange(found, copy, step, stamp)


def _corrupt(found: Found, copy: Copy, step: Step, stamp: str) -> Step:
    if found.writers:
        return _beside(found, copy, step, f"{_what(found)}, and open in {_who(found)}")
    if found.relation.in_copy:
        return _exchange(found, copy, step, stamp)
    return _beside(found, copy, step, f"{_what(found)}, and has lines that the backup does not have")


def _whole(found: Found, copy: Copy, step: Step, stamp: str) -> Step:
    live = found.condition
    if live is None:
        raise ValueError("a whole log without its condition")
    if found.relation.in_copy:
        if found.writers:
            return _beside(found, copy, step, f"shorter than the backup, and open in {_who(found)}")
        return _exchange(found, copy, step, stamp)
    if live.newest is None or copy.condition.newest is None:
        return _unclear(step, copy, "no line says when it was written")
    if copy.condition.newest > live.newest:
        return _unclear(step, copy, "the backup has newer lines, and the log has others")
    if found.writers:
        return _beside(found, copy, step, f"has newer lines, and is open in {_who(found)}")
    if not _follows(live, copy) or found.packed:
        return _beside(found, copy, step, "has newer lines, and some of the same time")
    return replace(
        step,
        action=MERGE_BEFORE,
        how=PREPEND,
        target=os.path.basename(found.path),
        aside=names.aside(os.path.basename(found.path), names.BEFORE, stamp),
        access=found.wanted,
        reason=_from("has only newer lines", found, copy),
    )


def _follows(live: Condition, copy: Copy) -> bool:
    """Whether all lines of the log were written after the copy's, as their times say, and it begins a new line."""
    last = copy.condition.newest
    return (
        live.first is not None and last is not None and last < live.first and copy.condition.ended and not copy.packed
    )


def _exchange(found: Found, copy: Copy, step: Step, stamp: str) -> Step:
    name = os.path.basename(found.path)
    what = "shorter than the backup" if found.state == WHOLE else _what(found)
    return replace(
        step,
        action=RESTORE,
        how=EXCHANGE,
        target=name,
        aside=names.aside(name, names.ASIDE, stamp),
        access=found.wanted,
        reason=_from(what, found, copy),
    )


def _beside(found: Found, copy: Copy, step: Step, why: str) -> Step:
    target = names.restored(os.path.basename(found.path), copy.day)
    if target in found.taken:
        return _refuse(step, f"{why}; {target} is there, and holds something else", "Move that away and run again.")
    return replace(step, action=MERGE_BEFORE, how=PLACE, target=target, reason=_from(why, found, copy))


def _unclear(step: Step, copy: Copy, why: str) -> Step:
    return _refuse(
        step,
        f"cannot tell whether the log or the backup of {copy.day} is newer: {why}",
        f"Compare it with {copy.path} and put the lines in place by hand.",
    )


def _refuse(step: Step, reason: str, way_out: str) -> Step:
    return replace(step, action=REFUSE, reason=reason, way_out=way_out, how="", target="", aside="")


def _from(what: str, found: Found, copy: Copy) -> str:
    passed = f"; passed over: {'; '.join(found.passed)}" if found.passed else ""
    return f"{what}; the backup of {copy.day} is whole{passed}"


def _what(found: Found) -> str:
    why = found.condition.why if found.condition is not None else ""
    return f"{found.state} ({why})" if why else found.state


def _access(access: Access | None) -> str:
    return f"{access.uid}:{access.gid}, mode {access.mode:04o}" if access else ""


def _who(found: Found) -> str:
    return ", ".join(found.writers[:3])


_STATES: dict[str, Callable[[Found, Copy, Step, str], Step]] = {
    MISSING: _missing,
    EMPTY: _empty,
    CORRUPT: _corrupt,
    WHOLE: _whole,
}
