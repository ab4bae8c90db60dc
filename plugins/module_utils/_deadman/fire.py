# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deadline has come: its function runs, again where it fails, and what comes of it is kept.

At least once: what is ended in the middle runs again, by whoever keeps the time or by the next call of ours.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import time
from typing import Any, Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as t
from ansible_collections.toombos.incident.plugins.module_utils._deadman.slot import LOCKS, Slot
from ansible_collections.toombos.incident.plugins.module_utils._process.kill import stop_processes
from ansible_collections.toombos.incident.plugins.module_utils._process.table import read_process
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_PAUSES = (1.0, 5.0, 15.0, 30.0, 60.0)  # seconds between attempts; the last one for all that follow
_MOST_BEGUN = 20  # attempts that may be ended from outside before it is given up
_MOST_MESSAGE = 2000  # characters
_SYSLOG = 1.0  # seconds that the system log may take
_GRACE = 5.0

DONE, BUSY = "done", "busy"


def load(function: str) -> Callable[..., Any]:
    """The function of that name (see ``Order``). Raises ImportError, AttributeError or TypeError."""
    module, _colon, name = function.partition(":")
    found = getattr(importlib.import_module(module), name)
    if not callable(found):
        raise TypeError(f"{function} cannot be called")
    return found  # type: ignore[no-any-return]


def fire(slot: Slot, record: t.Record, function: Callable[..., Any], until: float) -> str:
    """What is to be done once it is due or was left while firing: DONE, or BUSY where somebody else is at it.

    ``until``: of the state armed in which it was found.
    """
    readable = True
    try:
        if slot.state()[0] == t.ARMED and not slot.move(t.ARMED, t.FIRING, was=until):
            return BUSY  # called off, extended or begun by somebody else in this moment
    except OSError:
        # On a disk that cannot be written to nobody can have called it off, either.
        readable = False
    with slot.locked(LOCKS[0]) as held:
        if not held or (readable and slot.state()[0] != t.FIRING):
            return BUSY
        _try(slot, record, function)
    return DONE


def _try(slot: Slot, record: t.Record, function: Callable[..., Any]) -> None:
    order = record.order
    for attempt in range(1, order.attempts + 1):
        begun = slot.begin()
        ok, message = _run(slot, order, function)
        if ok:
            _tell(slot, order, t.Outcome(True, message, attempt, time.time()))
            return
        outcome = t.Outcome(False, message, attempt, time.time())
        slot.note(outcome)
        if attempt == order.attempts or begun >= _MOST_BEGUN:
            _end(slot, t.FAILED)
            _tell(slot, order, outcome)
            return
        time.sleep(_PAUSES[min(attempt, len(_PAUSES)) - 1])


def _run(slot: Slot, order: t.Order, function: Callable[..., Any]) -> tuple[bool, str]:
    """One attempt, in a child that holds the lock too: no second one begins beside it, whatever ends this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - runs in the forked child
        os.close(reading)
        _become(slot, order, function, writing)
    os.close(writing)
    try:
        answer = _answer(reading, order.limit)
    finally:
        os.close(reading)
    if answer is None:
        left = read_process(child)
        if left is not None:
            stop_processes([left], grace=_GRACE, clock=Clock())
    _pid, status = os.waitpid(child, 0)
    if answer is None:
        return False, f"it did not end within {order.limit:.0f} s"
    try:
        said: Mapping[str, Any] = json.loads(answer)
        return bool(said["ok"]), str(said["message"])
    except (ValueError, KeyError, TypeError):
        return False, f"its process ended with status {status}, and said nothing"


def _become(slot: Slot, order: t.Order, function: Callable[..., Any], writing: int) -> None:  # pragma: no cover
    """The child: its own session, so that its end is its own. It records success itself; never returns."""
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        ok, message = _call(function, order.arguments)
        if ok:
            slot.note(t.Outcome(True, message, 1, time.time()))
            _end(slot, t.FIRED)
        os.write(writing, json.dumps({"ok": ok, "message": message}).encode())
    finally:
        os._exit(0)


def _call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[bool, str]:
    try:
        said = function(**arguments)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is tried again and recorded
        return False, _short(f"{type(error).__name__}: {error}")
    return True, _short(said) if isinstance(said, str) else ""


def _short(text: str) -> str:
    return redact(text)[:_MOST_MESSAGE]


def _answer(reading: int, limit: float) -> bytes | None:
    """All that the child says; None when it has not ended in time."""
    end, words = time.monotonic() + limit, b""
    while True:
        ready, _writable, _failed = select.select([reading], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return None
        data = os.read(reading, 65536)
        if not data:
            return words
        words += data


def _end(slot: Slot, state: str) -> None:
    with contextlib.suppress(OSError):
        slot.move(t.FIRING, state)
        slot.settle_name()


def _tell(slot: Slot, order: t.Order, outcome: t.Outcome) -> None:
    """The outcome for good, and a line in the system log; a dead one costs a second."""
    slot.note(outcome)
    word = (
        "has come and its action is done" if outcome.ok else f"has come and its action FAILED {outcome.attempts} times"
    )
    line = (
        f"deadline {slot.id} ({order.purpose}, set by {order.who or 'nobody'}: {order.why}) {word}: {outcome.message}"
    )
    clock = Clock()
    with contextlib.suppress(Overdue, OSError, ImportError):
        call_by(clock.monotonic() + _SYSLOG, clock, lambda: _log(outcome.ok, " ".join(line.replace("\0", "?").split())))


def _log(ok: bool, line: str) -> None:
    import syslog

    syslog.openlog("toombos-incident", 0, syslog.LOG_DAEMON)
    syslog.syslog(syslog.LOG_NOTICE if ok else syslog.LOG_CRIT, line)
