# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines of a host: after one its action happens by itself, unless it was called off in time.

Whoever sets one does so BEFORE the risky change, and refuses the change where it cannot be set. From then on it needs
neither Ansible nor its connection: it survives a hang-up, SIGKILL of everything that set it, and a restart of the host.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import stat
import sys
import time
from typing import Callable

from ansible_collections.toombos.incident.plugins.module_utils._command import run_command
from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.boot import boottime, this_boot
from ansible_collections.toombos.incident.plugins.module_utils._deadman.keepers import KEEPERS, candidates
from ansible_collections.toombos.incident.plugins.module_utils._deadman.program import program_for
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import Slot
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

_PURPOSE = re.compile(r"[a-z][a-z0-9_]{0,40}")
_ID = re.compile(r"[0-9a-f]{16}")
_TOKEN_BYTES = 16
_CHECK = 60.0  # seconds until the program must have shown that it can run
_UNARMED = 120.0  # seconds after which one that never came into force is removed
_KEPT = 30 * 86400.0  # seconds for which people can read what has become of one
_REFUSED = "Nothing was changed, and nothing that needs a deadline may be changed now."


def arm(directory: str, order: t.Order, now: float | None = None) -> str:
    """Put a deadline in force; the token (32 hex digits) that extends it and calls it off.

    ``directory``: persistent, the collection's own, made 0700. ``now``: the value of ``boottime`` that the seconds
    count from; None: the moment when it comes into force. The program of the function is laid out, has shown that it
    starts, and its time is being kept, before this returns. Raises IncidentError otherwise: nothing is armed then.
    """
    if not _PURPOSE.fullmatch(order.purpose) or not order.seconds > 0:
        raise IncidentError("A deadline needs a purpose of one word and a time.", "Correct the order.")
    if not sys.executable:
        raise IncidentError("Python does not know its own path here.", "Set ansible_python_interpreter.")
    program = program_for(order.function)
    token = os.urandom(_TOKEN_BYTES).hex()
    digest = _digest(token)
    slot = Slot(os.path.join(directory, digest[:16]))
    try:
        make_private(directory)
        slot.create(program, order.arguments)
        record = t.Record(order, digest, this_boot(), time.time(), sys.executable, "", {})
        slot.write(record)
        _start(slot, record)
        until = (boottime() if now is None else now) + order.seconds
        if not slot.move(t.ARMING, t.ARMED, until=until):
            raise IncidentError("The deadline was removed while it was set.", "Run again.")
        slot.settle_name()
    except (OSError, ValueError, TypeError, IncidentError) as error:
        _abandon(slot)
        way_out = error.way_out if isinstance(error, IncidentError) else "Is the disk full, or is become: true missing?"
        what = error.message if isinstance(error, IncidentError) else f"{error}."
        raise IncidentError(f"No deadline could be set: {what}", f"{_REFUSED} {way_out}") from error
    return token


def extend(directory: str, token: str, seconds: float) -> bool:
    """Let it come ``seconds`` from now instead; whether that was in time. Raises IncidentError for an unknown token."""
    slot, record = _find(directory, token)
    return _change(slot, record, lambda until: slot.move(t.ARMED, t.ARMED, until=boottime() + seconds, was=until))


def call_off(directory: str, token: str) -> bool:
    """Call it off; whether that was in time. Exactly one of this and its action happens, and a second time is in time
    as well. Raises IncidentError for an unknown token, and when nothing can be written: then it is NOT called off.
    """
    slot, record = _find(directory, token)
    if slot.state()[0] == t.CALLED_OFF:
        return True
    if not _change(slot, record, lambda until: slot.move(t.ARMED, t.CALLED_OFF, was=until)):
        return slot.state()[0] == t.CALLED_OFF
    with contextlib.suppress(KeyError):
        KEEPERS[record.keeper].dismiss(slot)
    slot.tidy()
    return True


def status(directory: str, token: str) -> t.Status:
    """How the deadline of this token stands. Raises IncidentError for an unknown one."""
    return _status(_find(directory, token)[0])


def orders(directory: str) -> tuple[t.Status, ...]:
    """All deadlines of the host, the oldest first. Reads only."""
    return tuple(sorted((_status(slot) for slot in _slots(directory)), key=lambda each: (each.armed, each.id)))


def settle(directory: str) -> tuple[t.Status, ...]:
    """Do what whoever keeps the time should have done, and could not; how all of them stand then.

    What is overdue happens, here and now; what nobody keeps any more is kept again; leftovers go. To be called at the
    beginning of everything that changes the host. Never raises for a single deadline.
    """
    for slot in _slots(directory):
        with contextlib.suppress(OSError, ValueError, KeyError, IncidentError):
            _settle(slot)
    return orders(directory)


def _settle(slot: Slot) -> None:
    state, until = slot.state()
    if state == t.ARMING:
        if slot.age() > _UNARMED:
            _abandon(slot)
        return
    record = slot.read()
    if state == t.FIRING or (state == t.ARMED and slot.due(record.boot, until)):
        seconds = (record.order.limit + 60.0) * record.order.attempts
        run_command([record.python, "-I", slot.program, "fire"], timeout=seconds, cwd="/")
        state = slot.state()[0]
    elif state == t.ARMED and not KEEPERS[record.keeper].running(slot):
        KEEPERS[record.keeper].start(slot, record.python)
    if state in t.OVER:
        KEEPERS[record.keeper].forget(slot)
        slot.tidy()
        if slot.age() > _KEPT:
            slot.remove()


def _start(slot: Slot, record: t.Record) -> None:
    """Show that the program can run, and let the best keeper that works here run it."""
    shown = run_command([record.python, "-I", slot.program, "check"], timeout=_CHECK, cwd="/")
    if shown.rc != 0:
        last = (shown.error or shown.stderr).strip().splitlines()[-1:] or ["no answer in time"]
        raise IncidentError(f"its program cannot run ({last[0]}).", "Report this.")
    problems: list[str] = []
    for keeper in candidates():
        notes = {"reboot": keeper.reboot, "problems": "; ".join(problems)}
        slot.write(t.Record(record.order, record.digest, record.boot, record.armed, record.python, keeper.name, notes))
        try:
            where = keeper.start(slot, record.python)
        except (IncidentError, OSError) as error:
            problems.append(str(error))
            continue
        notes["where"] = where
        slot.write(t.Record(record.order, record.digest, record.boot, record.armed, record.python, keeper.name, notes))
        return
    raise IncidentError("; ".join(problems), "")


def _change(slot: Slot, record: t.Record, move: Callable[[float], bool]) -> bool:
    """Move an armed one that is not due yet; False when it is too late. Raises IncidentError when that cannot be."""
    try:
        while True:
            state, until = slot.state()
            if state != t.ARMED or slot.due(record.boot, until):
                return False
            if move(until):
                slot.settle_name()
                return True
    except OSError as error:
        raise IncidentError(
            f"The deadline {slot.id} cannot be changed: {error.strerror}.", "It stays in force. Is the disk broken?"
        ) from error


def _find(directory: str, token: str) -> tuple[Slot, t.Record]:
    digest = _digest(token)
    slot = Slot(os.path.join(directory, digest[:16]))
    try:
        record = slot.read()
        known = hmac.compare_digest(record.digest, digest)
    except (OSError, ValueError, KeyError):
        known = False
    if not known:
        raise IncidentError("There is no deadline with this token on this host.", "Look which host it belongs to.")
    return slot, record


def _status(slot: Slot) -> t.Status:
    try:
        state, until = slot.state()
        record = slot.read()
    except (OSError, ValueError, KeyError):
        return t.Status(slot.id, t.DAMAGED)
    left = max(0.0, until - boottime()) if state == t.ARMED and record.boot == this_boot() else 0.0
    order = record.order
    return t.Status(
        id=slot.id,
        state=state,
        purpose=order.purpose,
        who=order.who,
        why=order.why,
        armed=record.armed,
        deadline=time.time() + left if left else record.armed + order.seconds,
        left=left,
        keeper=" ".join(filter(None, (record.keeper, record.notes.get("where", "")))),
        reboot=record.notes.get("reboot", ""),
        outcome=slot.outcome(),
    )


def _slots(directory: str) -> list[Slot]:
    try:
        names = sorted(name for name in os.listdir(directory) if _ID.fullmatch(name))
    except OSError:
        return []
    return [Slot(os.path.join(directory, name)) for name in names]


def _abandon(slot: Slot) -> None:
    """Whatever was laid out of one that never came into force."""
    for keeper in KEEPERS.values():
        with contextlib.suppress(OSError):
            keeper.forget(slot)
    with contextlib.suppress(OSError):
        slot.remove()


def make_private(directory: str) -> None:
    """The directory, and what is missing above it, for nobody else. Raises IncidentError where others may write."""
    above = os.path.dirname(directory)
    if above and not os.path.isdir(above):
        make_private(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o700)
    found = os.lstat(directory)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise IncidentError(f"{directory} is no directory that only we may write to.", "Remove it, or name another.")


def _digest(token: str) -> str:
    import hashlib

    return hashlib.sha256(token.encode()).hexdigest()
