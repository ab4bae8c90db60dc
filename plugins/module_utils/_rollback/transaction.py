# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch of many files as one: all old until it is decided, all new after, whatever happens in between."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from types import TracebackType
from typing import Collection

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._rollback.finish import finish, settle_record, undo
from ansible_collections.toombos.incident.plugins.module_utils._rollback.journal import Journal
from ansible_collections.toombos.incident.plugins.module_utils._rollback.look import Seen, look
from ansible_collections.toombos.incident.plugins.module_utils._rollback.preconditions import RESERVE, objections
from ansible_collections.toombos.incident.plugins.module_utils._rollback.stage import Stage
from ansible_collections.toombos.incident.plugins.module_utils._rollback.steps import COMMITTED, Record, make_steps
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import (
    ATTRIBUTES,
    Contents,
    Objection,
    Refused,
    Settled,
    Switch,
    SwitchFailed,
)
from ansible_collections.toombos.incident.plugins.module_utils._rollback.ways import Ways

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Transaction:
    """``prepare``, look at it, ``commit``. As a context manager, what was not committed is undone at the end.

    ``journal_directory``: ours alone, on a file system that survives a reboot. ``reserve``: bytes that stay free on
    every file system. ``trusted``: numbers of users, such as the service's, who may write to the directories of the
    files, besides root and the owners of the files. One transaction is one switch; one directory of a journal bears one
    transaction at a time.
    """

    def __init__(
        self,
        journal_directory: str,
        reserve: int = RESERVE,
        trusted: Collection[int] = (),
        clock: Clock | None = None,
    ) -> None:
        self._journal = Journal(journal_directory)
        self._reserve = reserve
        self._trusted = trusted
        self._clock = clock or Clock()
        self._record: Record | None = None
        self._seen: dict[str, Seen] = {}
        self._ways = Ways()

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._record is not None:
                undo(self._record, self._journal)
                self._record = None
        finally:
            self._journal.unlock()

    def prepare(self, switch: Switch, contents: Contents) -> None:
        """Check everything, then stage everything. Raises IncidentError (Refused for what was checked): all is old."""
        if self._record is not None:
            raise IncidentError("This transaction is prepared already.", "Make one transaction for each switch.")
        self._journal.lock(self._clock.wall())
        try:
            self._refuse_leftovers()
            found = objections(switch, contents, self._reserve, self._journal.directory, self._trusted, self._ways)
            if found:
                raise Refused(found)
            self._seen = _look_at(switch, self._ways)
            if switch.operations:
                self._stage(switch, contents)
        except BaseException:
            self._journal.unlock()
            raise

    def commit(self) -> Settled:
        """Decide, and switch. Raises Refused (all is old) when somebody changed the set meanwhile, and SwitchFailed."""
        if not self._journal.locked:
            raise IncidentError("Nothing is prepared.", "Call prepare first.")
        try:
            return self._commit()
        finally:
            self._journal.unlock()

    def settle(self) -> Settled:
        """What a killed run left, or what this one prepared: undone or finished. Raises IncidentError, SwitchFailed."""
        if not self._journal.locked:
            self._journal.lock(self._clock.wall())
        try:
            self._record = None
            record = self._journal.read()
            return Settled("nothing") if record is None else settle_record(record, self._journal)
        finally:
            self._journal.unlock()

    def _refuse_leftovers(self) -> None:
        if self._journal.read() is not None:
            raise IncidentError(
                f"An earlier switch was interrupted, see {self._journal.path}.",
                "Settle it first: the next run of a rollback does.",
            )

    def _stage(self, switch: Switch, contents: Contents) -> None:
        where = ""
        try:
            record = make_steps(switch, self._clock.wall(), self._ways)
            self._record = record
            self._journal.write(record)
            stage, steps = Stage(contents), []
            for operation, step in zip(switch.operations, record.steps):
                where = operation.path
                steps.append(stage.add(operation, step))
            self._record = replace(record, steps=tuple(steps))
        except OSError as error:
            self._undo()
            raise _not_staged(error, where or self._journal.path) from error
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        record, self._record = self._record, None
        if record is not None:
            undo(record, self._journal)

    def _commit(self) -> Settled:
        changed = [path for path, seen in self._seen.items() if _look(path, self._ways) != seen]
        if changed:
            self._undo()
            raise Refused([changed_meanwhile(path) for path in changed])
        if self._record is None:
            return Settled("nothing")
        record = replace(self._record, state=COMMITTED)
        try:
            self._journal.write(record)
        except OSError as error:
            self._take_back()
            raise _not_staged(error, self._journal.path) from error
        self._record = None
        try:
            return finish(record, self._journal)
        except SwitchFailed:
            left = self._journal.read()
            if left is None:
                raise
            return finish(left, self._journal)

    def _take_back(self) -> None:
        """A decision that could not be written for certain: what the journal says now is what counts."""
        staged = self._record
        found = self._journal.read()
        if staged is not None and found is not None and found.state == COMMITTED:
            try:
                self._journal.write(staged)
            except OSError as error:
                self._record = None
                raise IncidentError(
                    f"The decision could be neither written nor taken back: {error.strerror}. Everything is as it was.",
                    "The next run finishes the switch.",
                ) from error
        self._undo()


def settle(journal_directory: str, clock: Clock | None = None) -> Settled:
    """Undo or finish what a killed run left. Call it as often as you like. Raises IncidentError, SwitchFailed."""
    if not os.path.lexists(journal_directory):
        return Settled("nothing")
    return Transaction(journal_directory, clock=clock).settle()


def changed_meanwhile(path: str) -> Objection:
    """Somebody else is at work on the same files."""
    return Objection(path, f"{path} was changed after it had been read.", "See who changes it, then run again.")


def _look_at(switch: Switch, ways: Ways) -> dict[str, Seen]:
    entries = [*switch.kept]
    for each in switch.operations:
        # A directory that stays gets its attributes in the end, whatever they are.
        if each.verb != ATTRIBUTES:
            entries += [each.before, *each.inside_before]
    return {entry.path: _look(entry.path, ways) for entry in entries}


def _look(path: str, ways: Ways) -> Seen:
    try:
        with ways.parent(path) as directory:
            return look(directory, os.path.basename(path))
    except OSError:
        return ()


def _not_staged(error: OSError, path: str) -> IncidentError:
    if error.errno in _NO_ROOM:
        return IncidentError(
            f"The disk was full before all was staged (at {shown(path)}): everything is as it was.",
            "Free some space on it and run again.",
        )
    return IncidentError(
        f"{shown(path)} could not be staged: {error.strerror or error}. Everything is as it was.",
        "Mend that and run again.",
    )
