# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Isolating a host, staying isolated, going back: in an order in which a kill between two steps locks nobody out.

Where rules are in place that nobody confirmed, a deadline is armed that removes them. The record says at any time what
holds: whether it was confirmed is decided by the deadline alone, which is either called off or comes.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Protocol

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._containment import outcomes as o, types as t
from ansible_collections.toombos.incident.plugins.module_utils._containment.deadlines import Deadlines
from ansible_collections.toombos.incident.plugins.module_utils._containment.filters import Filters
from ansible_collections.toombos.incident.plugins.module_utils._containment.record import Record, Records
from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as d
from ansible_collections.toombos.incident.plugins.module_utils._deadman.boot import this_boot
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError


class Watch(Protocol):
    """What keeps a confirmed isolation in force."""

    def keep(self) -> None:
        """Let it run, over restarts as well. Raises IncidentError."""

    def running(self) -> bool:
        """Whether it does."""

    def forget(self) -> None:
        """End it, and remove it. Raises IncidentError."""


@dataclass(frozen=True)
class Request:
    """Who asks for an isolation, and how long it waits for its confirmation (seconds)."""

    incident: str
    reason: str
    who: str
    seconds: float
    connection: str = ""
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """What has come of a step. ``until``: seconds since the epoch; ``more``: for the result."""

    outcome: str
    words: str
    changed: bool = False
    record: Record | None = None
    token: str = ""
    until: float = 0.0
    more: Mapping[str, Any] = field(default_factory=dict)


class Containment:
    """The steps. Whoever calls them holds the lock of the host's containment. All raise IncidentError."""

    def __init__(self, records: Records, filters: Filters, deadlines: Deadlines, watch: Watch, clock: Clock) -> None:
        self._records, self._filters, self._deadlines, self._watch = records, filters, deadlines, watch
        self._clock = clock

    def isolate(self, plan: t.Plan, request: Request) -> Done:
        """Arm, record, isolate, read back. What is confirmed and in force already stays as it is."""
        known = self._records.read()
        if known is not None and known.confirmed and known.same(plan.backend, plan.flows):
            return self._still(known)
        base = known.previous if known is not None and not known.confirmed else known
        identity = os.urandom(8).hex()
        others = base.others if base is not None else {plan.backend: self._filters.get(plan.backend).others()}
        why = f"{request.incident or 'no incident'}: {request.reason or 'no reason given'}"
        token = self._deadlines.arm(request.seconds, {"identity": identity, "backend": plan.backend}, request.who, why)
        status = self._deadlines.status(token)
        record = Record(
            id=identity,
            incident=request.incident,
            reason=request.reason,
            who=request.who,
            since=self._clock.wall(),
            backend=plan.backend,
            flows=plan.flows,
            others=others,
            connection=request.connection,
            boot=this_boot(),
            deadline=status.id,
            overrides=request.overrides,
            previous=base,
        )
        try:
            self._records.write(record)
        except IncidentError:
            # Nothing was changed yet, and an earlier isolation goes on as it is recorded.
            self._deadlines.call_off(token)
            raise
        try:
            counted = self._filters.counters() if known is not None else []
            record = self._put_in_place(record)
        except (IncidentError, OSError) as error:
            return self._failed(record, token, str(error))
        if known is not None:  # with its rules its counters are gone
            with contextlib.suppress(IncidentError):
                self._records.archive(known, {"replaced_by": identity, "counters": counted})
        return Done(o.ISOLATED, "isolated, and it waits for its confirmation", True, record, token, status.deadline)

    def confirm(self, token: str, connection: str) -> Done:
        """Only over another connection than the one over which it was isolated, and only while it is in place."""
        status = self._deadlines.status(token)
        record = self._records.read()
        if record is None or record.deadline != status.id:
            return _over(status, record)
        if status.state == d.CALLED_OFF:
            changed = self._finish(record)
            return Done(o.CONFIRMED, "it was confirmed before", changed, self._records.read())
        if status.state != d.ARMED:
            return _over(status, record)
        if record.connection and record.connection == connection:
            raise IncidentError(
                f"This is the connection over which it was isolated ({' port '.join(connection.split()[:2])}); that it "
                "still works proves nothing.",
                "Confirm over a new one: meta: reset_connection, or ssh -O stop.",
                {"outcome": o.ISOLATED},
            )
        if not self._filters.get(record.backend).intact(record.listing):
            return self._failed(record, token, "not confirmed: somebody has changed our rules since")
        self._watch.keep()
        if not self._deadlines.call_off(token):
            return _over(self._deadlines.status(token), record)
        self._finish(record)
        return Done(o.CONFIRMED, "isolated and confirmed; it holds over restarts", True, self._records.read())

    def release(self, how: Mapping[str, Any], token: str = "") -> Done:
        """What was there before any isolation. What keeps it in force goes first, so that it does not fight."""
        try:
            record, damaged = self._records.read(), ""
        except IncidentError as error:
            record, damaged = None, error.message
        if record is None and not damaged and not self._filters.present():
            self._watch.forget()
            return Done(o.UNCHANGED, "it is not isolated")
        counters = self._filters.counters()
        self._watch.forget()
        self._filters.release(record.backend if record is not None else "")
        more: dict[str, Any] = {"counters": counters, "tampering": self._records.tampering(), "restored": True}
        if record is not None:
            now = self._filters.others(record.others)
            more["restored"] = now == record.others
            with contextlib.suppress(IncidentError):  # a full disk must not keep a host isolated
                more["archive"] = self._records.archive(record, {**how, "counters": counters})
        self._records.remove()
        if token:
            with contextlib.suppress(IncidentError):
                self._deadlines.call_off(token)
        words = "released, what was there before is back" + (
            "" if more["restored"] else "; others have changed their own rules meanwhile, and those stay"
        )
        return Done(o.RELEASED, words, True, record, more=more)

    def undo(self, identity: str, backend: str) -> str:
        """What was in force before the isolation with this id, by this packet filter, for people. Idempotent.

        Without a readable record everything of ours goes: nobody can tell any more whether it was confirmed.
        """
        try:
            record = self._records.read()
        except IncidentError:
            record = None
        if record is not None and record.id != identity:
            return "another isolation has taken its place"
        if record is not None and record.confirmed:
            return "it was confirmed"
        base = record.previous if record is not None else None
        if base is not None:
            listing = self._filters.isolate(base.backend, base.flows)
            self._records.write(replace(base, listing=listing))
            self._kept_again()  # a confirmation may have been ended while it set that up anew
            return f"what was isolated for {base.incident or 'no incident'} before is in force again"
        # What watches does nothing for an isolation that was not confirmed, and people may be waiting outside.
        self._filters.release(record.backend if record is not None else backend)
        self._watch.forget()
        same = record is None or self._filters.others(record.others) == record.others
        self._records.remove()
        return "released" if same else "released; others have changed their own rules meanwhile"

    def settle(self) -> str:
        """Finish what was ended half-way; what was done, in words. Deadlines were settled before."""
        record = self._records.read()
        if record is None:
            return ""
        if record.confirmed:
            return self._kept_again()
        state = self._deadlines.state(record.deadline)
        if state == d.CALLED_OFF:
            self._finish(record)
            return "the confirmation of the isolation was finished"
        if state in (d.ARMED, d.FIRING):
            return ""
        return f"an isolation without a deadline was undone: {self.undo(record.id, record.backend)}"

    def _kept_again(self) -> str:
        if self._watch.running():
            return ""
        with contextlib.suppress(IncidentError):  # the host is isolated all the same
            self._watch.keep()
            return "what keeps the isolation in force was started again"
        return "nothing keeps the isolation in force"

    def _still(self, record: Record) -> Done:
        """Confirmed, with the same flows: nothing to do, unless somebody has removed it or what watches over it."""
        intact = self._filters.get(record.backend).intact(record.listing)
        if not intact:
            record = replace(record, listing=self._filters.isolate(record.backend, record.flows))
            self._records.write(record)
        watched = self._watch.running()
        if not watched:
            self._watch.keep()
        if intact and watched:
            return Done(o.UNCHANGED, "it is isolated already", record=record)
        what = " and ".join(word for word, fine in (("its rules", intact), ("what keeps them", watched)) if not fine)
        return Done(o.CONFIRMED, f"it was isolated before; {what} had been removed, and is back", True, record)

    def _put_in_place(self, record: Record) -> Record:
        if self._deadlines.state(record.deadline) != d.ARMED:  # a busy host takes its time, and nobody needs to be cut
            raise IncidentError("the deadline came before the host was isolated")
        listing = self._filters.isolate(record.backend, record.flows)
        record = replace(record, listing=listing)
        self._records.write(record)
        if self._deadlines.state(record.deadline) != d.ARMED:
            raise IncidentError("the deadline came while the host was isolated")
        return record

    def _failed(self, record: Record, token: str, why: str) -> Done:
        """Back at once. Where that fails the deadline stays in force, and tries again."""
        try:
            words = self.undo(record.id, record.backend)
        except (IncidentError, OSError) as error:
            status = self._deadlines.status(token)
            return Done(
                o.ROLLBACK_FAILED, f"{why}; and it could not be undone: {error}", True, record, token, status.deadline
            )
        with contextlib.suppress(IncidentError):
            self._deadlines.call_off(token)
        return Done(o.ROLLED_BACK, f"{why}; {words}", True, record)

    def _finish(self, record: Record) -> bool:
        """Its deadline was called off, so it is confirmed: write that down, and keep it; whether it was news."""
        if not self._watch.running():
            self._watch.keep()
        if record.confirmed:
            return False
        with contextlib.suppress(IncidentError):  # on a full disk; what keeps it in force tries that again
            self._records.write(replace(record, confirmed=True, previous=None))
        return True


def _over(status: d.Status, record: Record | None) -> Done:
    """For a token whose window is closed."""
    outcome, words = {
        d.FAILED: (o.ROLLBACK_FAILED, "it was not confirmed in time, and the host could not go back"),
        d.CALLED_OFF: (o.ROLLED_BACK, "it was undone or released before"),
        d.ARMED: (o.ROLLED_BACK, "another isolation has taken its place, or it was released"),
    }.get(status.state, (o.ROLLED_BACK, "it was not confirmed in time, and the host went back"))
    if status.outcome is not None and status.outcome.message:
        words += f": {status.outcome.message}"
    return Done(outcome, words, False, record)
