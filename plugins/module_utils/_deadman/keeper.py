# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program of a deadline does, in a process that nobody waits for."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import Any, Callable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.boot import boottime
from ansible_collections.toombos.incident.plugins.module_utils._deadman.fire import DONE, fire, load
from ansible_collections.toombos.incident.plugins.module_utils._deadman.keepers import KEEPERS
from ansible_collections.toombos.incident.plugins.module_utils._deadman.pair import ROLES, partner, start_one
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import Slot
from ansible_collections.toombos.incident.plugins.module_utils._deadman.systemd import notify_ready
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

_TICK = 0.25  # seconds; it is also how late an extension or a call-off is seen
_UNARMED = 120.0  # seconds after which one that never came into force is given up
_ROLE = 2.0  # seconds to wait for a role: somebody may just have looked whether it is taken


def main(path: str, words: Sequence[str]) -> int:
    """``check``: it could run, 0. ``keep [ROLE]``: wait for it and do it. ``fire``: do it if it has come."""
    slot = Slot(path)
    try:
        record = slot.read(arguments=True)
        function = load(record.order.function)
        if words[0] == "check":
            _check(function, record.order)
            return 0
    except Exception as error:  # noqa: BLE001 - said to whoever checks; a keeper is started again
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    if words[0] == "fire":
        _step(slot, record, function)
        return 0
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return _keep(slot, record, function, words[1] if len(words) > 1 else "")


def _check(function: Callable[..., Any], order: t.Order) -> None:
    import inspect

    inspect.signature(function).bind(**order.arguments)


def _keep(slot: Slot, record: t.Record, function: Callable[..., Any], role: str) -> int:
    with contextlib.ExitStack() as held:
        if role and not held.enter_context(slot.locked(ROLES[role], _ROLE)):
            return 0  # somebody else has this role
        notify_ready()
        while True:
            with contextlib.suppress(FileNotFoundError):
                state = _step(slot, record, function)
                if state in t.OVER or state == t.DAMAGED:
                    break
                if role and state == t.ARMED:
                    _revive(slot, record, partner(role))
            if not os.path.isdir(slot.path):
                break
            time.sleep(_TICK)
        KEEPERS[record.keeper].forget(slot)
        if os.path.isdir(slot.path) and slot.state()[0] in t.OVER:
            slot.tidy()
    return 0


def _step(slot: Slot, record: t.Record, function: Callable[..., Any]) -> str:
    """Do what is to be done now; how it stands then."""
    state, until = slot.state()
    if state == t.ARMING and slot.age() > _UNARMED:
        slot.remove()
        return t.DAMAGED
    if state == t.FIRING or (state == t.ARMED and slot.due(record.boot, until)):
        done = fire(slot, record, function, until)
        now = slot.state()[0]
        if now in t.OVER:
            return now
        # Done, and it does not show: the disk cannot be written to. Once by each keeper is enough.
        return t.FIRED if done == DONE else t.FIRING
    return state


def _revive(slot: Slot, record: t.Record, role: str) -> None:
    """Start the other one again when it is gone. When that is not possible now, it is at the next tick."""
    if slot.held(ROLES[role]):
        return
    with contextlib.suppress(IncidentError, OSError):
        start_one(slot, record.python, role)
        end = boottime() + _ROLE
        while not slot.held(ROLES[role]) and boottime() < end:
            time.sleep(_TICK / 10)
