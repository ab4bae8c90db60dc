# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a confirmed isolation in force: looks every second, puts back what is gone, and tells who fights it.

It decides nothing: what holds is in the record, and without a record there is nothing to keep.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from dataclasses import replace
from typing import Callable, ContextManager, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._containment.backend import backends
from ansible_collections.toombos.incident.plugins.module_utils._containment.deadlines import FOLDER, state_of
from ansible_collections.toombos.incident.plugins.module_utils._containment.filters import Filters
from ansible_collections.toombos.incident.plugins.module_utils._containment.record import Record, Records
from ansible_collections.toombos.incident.plugins.module_utils._containment.watch_keepers import WatchSlot, candidates
from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as d
from ansible_collections.toombos.incident.plugins.module_utils._deadman.boot import boottime, this_boot
from ansible_collections.toombos.incident.plugins.module_utils._deadman.pair import ROLES, partner, start_one
from ansible_collections.toombos.incident.plugins.module_utils._deadman.systemd import notify_ready
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.lock import Locked, recovery_lock

LOCK = "containment"
_TICK = 1.0  # seconds
_ROLE = 2.0  # seconds to wait for a role: somebody may just have looked whether it is taken
_SYSLOG = 1.0  # seconds that the system log may take


class Watcher:
    """``lock``: of the containment of this host, not waited for; raises Locked. ``tell``: a line for people."""

    def __init__(
        self,
        records: Records,
        filters: Filters,
        state: Callable[[str], str],
        lock: Callable[[], ContextManager[None]],
        tell: Callable[[str], None],
    ) -> None:
        self._records, self._filters, self._state, self._lock, self._tell = records, filters, state, lock, tell
        self._last: Record | None = None
        self._told = ""

    def step(self) -> bool:
        """Look once, and put right what is wrong; whether there is anything left to keep. Never raises."""
        try:
            record = self._read()
            if record is None:
                return False
            if record.confirmed and self._filters.get(record.backend).intact(record.listing):
                self._told = ""
                return True
            if record.confirmed or self._state(record.deadline) == d.CALLED_OFF:
                with self._lock():
                    self._put_right(record.id)
        except Locked:
            pass  # somebody is changing it just now; the next look will see what has come of that
        except (IncidentError, OSError) as error:
            self._say(f"the isolation of this host cannot be kept in force: {error}")
        return True

    def _read(self) -> Record | None:
        """A damaged record is no reason to let go."""
        try:
            self._last = self._records.read()
        except IncidentError as error:
            if self._last is None:
                raise
            self._say(str(error))
        return self._last

    def _put_right(self, identity: str) -> None:
        """Under the lock everything may be different."""
        record = self._read()
        if record is None or record.id != identity:
            return
        if not record.confirmed:
            record = replace(record, confirmed=True, previous=None)
            self._write(record)
        backend = self._filters.get(record.backend)
        if backend.intact(record.listing):
            return
        found = backend.ours()
        listing = self._filters.isolate(record.backend, record.flows)
        self._write(replace(record, listing=listing, boot=this_boot()))
        if record.boot != this_boot():
            self._tell("the host was restarted, its isolation is in force again")
            return
        known = self._records.note_tampering(time.time(), found)
        what = "had been changed" if found else "had been removed"
        self._tell(f"the rules that isolate this host {what}; they are back ({known['count']} times until now)")

    def _write(self, record: Record) -> None:
        """A full disk must not end the isolation: what is in memory counts then."""
        self._last = record
        with contextlib.suppress(IncidentError):
            self._records.write(record)

    def _say(self, line: str) -> None:
        """Once, until it is something else."""
        if line != self._told:
            self._tell(line)
        self._told = line


def main(path: str, words: Sequence[str]) -> int:
    """``check``: it could run, 0. ``keep [ROLE]``: until there is nothing to keep."""
    slot = WatchSlot(path)
    try:
        given = slot.arguments()
        watcher = _watcher(given["store_dir"], given["state_dir"])
        if words[0] == "check":
            Records(given["store_dir"]).read()
            return 0
    except Exception as error:  # noqa: BLE001 - said to whoever checks; it is started again
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return _keep(slot, watcher, words[1] if len(words) > 1 else "")


def _watcher(store_dir: str, state_dir: str) -> Watcher:
    deadlines = os.path.join(store_dir, FOLDER)
    return Watcher(
        Records(store_dir),
        Filters(backends()),
        lambda identity: state_of(deadlines, identity),
        lambda: recovery_lock(state_dir, "what keeps the isolation in force", what=LOCK),
        _log,
    )


def _keep(slot: WatchSlot, watcher: Watcher, role: str) -> int:
    with contextlib.ExitStack() as held:
        mine = held.enter_context(slot.pinned())
        if role and not held.enter_context(slot.locked(ROLES[role], _ROLE)):
            return 0  # somebody else has this role
        going = watcher.step()
        notify_ready()
        while going and slot.inode() == mine:
            if role:
                _revive(slot, partner(role))
            time.sleep(_TICK)
            going = watcher.step()
        if slot.inode() == mine:
            for keeper in candidates():
                keeper.forget(slot)
    return 0


def _revive(slot: WatchSlot, role: str) -> None:
    """Start the other one again when it is gone. When that is not possible now, it is at the next look."""
    with contextlib.suppress(IncidentError, OSError):
        if slot.held(ROLES[role]):
            return
        start_one(slot, sys.executable, role)
        end = boottime() + _ROLE
        while not slot.held(ROLES[role]) and boottime() < end:
            time.sleep(_TICK / 50)


def _log(line: str) -> None:
    import syslog

    def write() -> None:
        syslog.openlog("toombos-incident", 0, syslog.LOG_DAEMON)
        syslog.syslog(syslog.LOG_CRIT, " ".join(line.replace("\0", "?").split()))

    clock = Clock()
    with contextlib.suppress(Overdue, OSError):
        call_by(clock.monotonic() + _SYSLOG, clock, write)
