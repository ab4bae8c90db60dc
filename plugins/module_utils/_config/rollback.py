# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback from beginning to end: keep, choose, stage, set the deadline, switch, restart, judge; or back again."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Iterator, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._config import outcomes as o, revert
from ansible_collections.toombos.incident.plugins.module_utils._config.back import current, put_back
from ansible_collections.toombos.incident.plugins.module_utils._config.choice import Target, choose_targets
from ansible_collections.toombos.incident.plugins.module_utils._config.union import alike, covers, union
from ansible_collections.toombos.incident.plugins.module_utils._config.window import Window
from ansible_collections.toombos.incident.plugins.module_utils._config.work import Work
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import BEFORE_ROLLBACK, Generation
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Recovery
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment
from ansible_collections.toombos.incident.plugins.module_utils._rollback.masked_diff import masked_diff
from ansible_collections.toombos.incident.plugins.module_utils._rollback.plan import make_switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.transaction import Transaction
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Switch, SwitchFailed


@dataclass(frozen=True)
class Prepared:
    """What will be done. ``before``: service → the generation that holds what is in place."""

    targets: tuple[Target, ...]
    switch: Switch
    before: Mapping[str, Generation]

    @property
    def generations(self) -> dict[str, Any]:
        """For the result."""
        return {
            each.service.name: {
                "to": each.generation.id,
                "before": self.before[each.service.name].id if self.before else "",
                "source": each.generation.source,
                "proven": moment(each.generation.proof.last) if each.generation.proof else "",
            }
            for each in self.targets
        }


def prepare(work: Work, *, keeps: bool) -> Prepared:
    """Look, and choose. ``keeps``: what is in place becomes a generation; without it nothing is written."""
    before: dict[str, Generation] = {}
    if keeps:
        why = work.params["reason"] or "before a rollback"
        before = {service.name: work.keep(service, BEFORE_ROLLBACK, why) for service in work.services}
    now = {name: each.entries for name, each in before.items()} if keeps else current(work)
    targets = choose_targets(work, now, imports=keeps)
    wanted = {each.service.name: each.generation.entries for each in targets}
    # What was not declared yet at that time is no part of it: it stays.
    known = {each.service.name: each.generation.declared for each in targets}
    there = union({name: [entry for entry in each if covers(known[name], entry.path)] for name, each in now.items()})
    wished = union(wanted)
    return Prepared(tuple(targets), Switch() if alike(there, wished) else make_switch(there, wished), before)


def difference(work: Work, switch: Switch) -> list[dict[str, Any]]:
    """What changes, for ``--diff``: never a value. What is in place is read there, a rehearsal has not kept it."""
    there = {entry.sha256: entry.path for each in switch.operations for entry in (each.before, *each.inside_before)}

    def contents(sha256: str) -> Iterator[bytes]:
        path = there.get(sha256)
        return work.store.content(sha256) if path is None else _pieces(path)

    return masked_diff(switch, contents)


def _pieces(path: str) -> Iterator[bytes]:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        yield from iter(lambda: file.read(1 << 16), b"")


def apply(work: Work, prepared: Prepared) -> tuple[Recovery, str, str, Window | None]:
    """The recovery, its outcome, a sentence, and the window in which it must be confirmed."""
    if not prepared.switch.operations:
        seen = work.engine.look(work.request())
        return Recovery(seen, seen), o.UNCHANGED, "the configuration is in place already", None
    window = _switch(work, prepared)
    try:
        problem = _in_place(work, prepared)
        recovery = None if problem else work.engine.recover(work.request(force=True))
    except IncidentError as error:
        problem, recovery = error.message, None
    if recovery is not None and _helped(work, recovery):
        for target in prepared.targets:
            work.remember_good(target.service, target.generation)
        return recovery, o.APPLIED, "", window
    why = problem or f"it did not help: {_sick(work, recovery)}" if recovery else problem
    return _back_again(work, prepared, window, recovery, why)


def _switch(work: Work, prepared: Prepared) -> Window:
    """From here on the host goes back by itself. Raises IncidentError: then nothing was changed."""
    with Transaction(work.journal, trusted=work.users(), clock=work.clock) as transaction:
        transaction.prepare(prepared.switch, work.store.content)
        window = Window.open(work, prepared.generations, f"{revert.__name__}:{revert.run.__name__}")
        try:
            work.brakes.enter(work.names, work.deadline - work.clock.monotonic())
            for name in work.names:
                work.brakes.check(name)
            transaction.commit()
        except SwitchFailed:
            raise  # the deadline stays in force: what is new goes back with it
        except BaseException:
            window.call_off()
            raise
        finally:
            work.brakes.leave()
    return window


def _in_place(work: Work, prepared: Prepared) -> str:
    """The validators' objection to what could not be validated before; empty when there is none."""
    for target in prepared.targets:
        if target.in_place:
            objection = work.host.config_error(target.service, work.deadline)
            if objection:
                return f"{target.generation.id} is rejected in place: {objection}"
    return ""


def _helped(work: Work, recovery: Recovery) -> bool:
    return all(recovery.after.found[name].healthy for name in work.names) and not recovery.worsened


def _sick(work: Work, recovery: Recovery) -> str:
    found = [recovery.after.found[name] for name in (*work.names, *recovery.worsened)]
    return "; ".join(f"{each.service} is {each.condition}: {each.message}" for each in found if not each.healthy)


def _back_again(
    work: Work, prepared: Prepared, window: Window, first: Recovery | None, why: str
) -> tuple[Recovery, str, str, Window | None]:
    """What was there before, at once. Where that fails the deadline stays in force."""
    try:
        put_back(work, {name: each.entries for name, each in prepared.before.items()})
    except IncidentError as error:
        assessment = work.engine.assess(work.request())
        recovery = first or Recovery(assessment, assessment)
        return recovery, o.ROLLBACK_FAILED, f"{why}; and what was there before could not be put back: {error}", window
    window.call_off()
    second = work.engine.recover(work.request(force=True))
    recovery = replace(second, before=first.before, steps=(*first.steps, *second.steps)) if first else second
    return recovery, o.ROLLED_BACK, f"what was there before is back, because {why}", None
