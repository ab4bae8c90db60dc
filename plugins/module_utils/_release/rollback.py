# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rollback itself: forward, judged by probes, and back where it failed or made things worse."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat
from ansible_collections.toombos.incident.plugins.module_utils._recovery.brakes import HeldBack
from ansible_collections.toombos.incident.plugins.module_utils._recovery.engine import Assessment, Recovery
from ansible_collections.toombos.incident.plugins.module_utils._release import journal as j, preserved, types as t
from ansible_collections.toombos.incident.plugins.module_utils._release.hook import Deployed, end_hook, run_hook
from ansible_collections.toombos.incident.plugins.module_utils._release.run import Runner
from ansible_collections.toombos.incident.plugins.module_utils._release.services import (
    Services,
    is_better,
    said_of,
    sick,
)

_SPARE = 600.0  # seconds for git, beside the hook


@dataclass(frozen=True)
class Outcome:
    """What became of it, one of the words of ``types``, and why."""

    word: str
    why: str
    recovery: Recovery | None = None
    preserved: t.Preserved | None = None


@dataclass(frozen=True)
class Tools:
    """What a rollback works with."""

    spec: t.Spec
    releases: t.Releases
    runner: Runner
    services: Services
    journal: j.Journal
    clock: Clock
    store: str
    owner: str
    fetch: bool


class Rollback:
    """One call. ``notes``: sentences for people; ``hooks``: what the deploy hook did, in order."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.notes: list[str] = []
        self.hooks: list[Deployed] = []

    def settle(self) -> bool:
        """Undo what an earlier call has begun and not ended; whether there was anything. Raises IncidentError."""
        tools = self._tools
        preserved.sweep(tools.store)
        entry = tools.journal.read()
        if entry is not None and entry.running_hook and end_hook(*entry.running_hook, tools.clock):
            self.notes.append(f"ended the deploy hook of the unfinished rollback (pid {entry.running_hook[0]})")
        if entry is None:
            self.notes += tools.releases.clear_leftovers()
            return False
        tools.services.check()
        self.notes += tools.releases.clear_leftovers()
        self._insist_on_known_ground(entry)
        self._keep_what_came_since(entry)
        self.notes += tools.releases.put_back(entry.state, entry.target, entry.preserved)
        if entry.deployed:
            try:
                self._deploy(entry, entry.name)
            except HeldBack:
                raise
            except IncidentError as error:  # whether it matters is for the probes to say
                self.notes.append(str(error))
        tools.journal.clear()
        self.notes.append(f"undid the rollback to {entry.target_name} that {entry.owner} began and that never ended")
        return True

    def apply(self, current: t.Release, target: t.Target, before: Assessment) -> Outcome:
        """Forward, and back again if it must be. Raises IncidentError only while nothing has been changed."""
        tools = self._tools
        kept = tools.releases.preserve(current, target, preserved.new_place(tools.store, tools.spec.path))
        entry = j.Entry(
            path=tools.spec.path,
            kind=tools.spec.kind,
            phase=j.SWITCHING,
            release=current.id,
            name=current.name,
            target_id=target.id,
            target_name=target.name,
            state=current.state,
            target=target.state,
            preserved=kept.path,
            owner=tools.owner,
            since=tools.clock.wall(),
        )
        tools.journal.write(entry)
        try:
            recovery, why = self._forward(entry, target, before)
        except HeldBack as error:
            return Outcome(t.ROLLBACK_FAILED, f"stopped half-way: {error} The next run undoes it", None, kept)
        if why:
            return replace(self._back(entry, before, why), preserved=kept)
        better = "" if recovery is None or recovery.after.healthy else ", and it is better than before, but not healthy"
        return self._finished(Outcome(t.APPLIED, f"{target.name} is in place{better}", recovery, kept))

    def _forward(self, entry: j.Entry, target: t.Target, before: Assessment) -> tuple[Recovery | None, str]:
        """The recovery after it, and why the way leads back; empty: it does not. Raises HeldBack."""
        tools = self._tools
        try:
            tools.services.check()
            tools.releases.switch(target, fetch=tools.fetch)
            self._deploy(entry, entry.target_name)
            recovery = self._judge(entry, force=True)
        except HeldBack:
            raise
        except (IncidentError, OSError) as error:
            return None, f"{entry.target_name} could not be put in place: {error}"
        if recovery.after.healthy or is_better(before, recovery.after):
            return recovery, ""
        return recovery, f"with {entry.target_name} in place {said_of(recovery.after)}"

    def _back(self, entry: j.Entry, before: Assessment, why: str) -> Outcome:
        tools = self._tools
        at = tools.journal.read() or entry
        try:
            tools.services.enter(tools.spec.deploy_timeout + _SPARE)
            tools.services.check()
            self.notes += tools.releases.clear_leftovers()
            if at.deployed:
                try:
                    self._keep_what_came_since(at)
                except (
                    IncidentError,
                    OSError,
                ) as error:  # what the hook has made of the release is not worth the way back
                    self.notes.append(f"what was not committed of {at.target_name} is not kept: {error}")
            self.notes += tools.releases.put_back(at.state, at.target, at.preserved)
            if at.deployed:
                self._deploy(at, at.name)
            recovery = self._judge(at, force=at.deployed)
        except (IncidentError, OSError) as error:
            return Outcome(t.ROLLBACK_FAILED, f"{why}; and {entry.name} could not be put back: {error}")
        if recovery.after.healthy or sick(recovery.after) <= sick(before):
            return self._finished(Outcome(t.ROLLED_BACK, f"{why}; {entry.name} is in place again", recovery))
        said = f"{why}; {entry.name} is in place again, but now {said_of(recovery.after)}"
        return self._finished(Outcome(t.ROLLBACK_FAILED, said, recovery))

    def _deploy(self, entry: j.Entry, release: str) -> None:
        """Run the hook, on record before it begins. Raises IncidentError when it does not succeed."""
        tools = self._tools
        tools.services.check()
        deploying = replace(entry, phase=j.DEPLOYING)

        def began(pid: int) -> None:
            stat = read_stat(pid)
            tools.journal.write(replace(deploying, hook={"pid": pid, "start": stat.start if stat else 0}))

        done = run_hook(tools.spec, tools.runner, tools.releases.directory, release, began)
        if done is not None:
            self.hooks.append(done)
            if done.problem:
                raise IncidentError(f"{done.problem}.")

    def _judge(self, entry: j.Entry, *, force: bool) -> Recovery:
        tools = self._tools
        if force:
            tools.journal.write(replace(entry, phase=j.JUDGING))
        return tools.services.recover(force)

    def _insist_on_known_ground(self, entry: j.Entry) -> None:
        """Raise IncidentError when somebody has put something else in place since."""
        tools = self._tools
        found = tools.releases.observe()
        if found.id not in (entry.release, entry.target_id):
            raise IncidentError(
                f"{tools.spec.path} is at {found.name}, while an unfinished rollback stopped between {entry.name} and "
                f"{entry.target_name}.",
                f"If that is how it should be, remove {tools.journal.file} and run again.",
            )

    def _keep_what_came_since(self, entry: j.Entry) -> None:
        """What is not committed in the tree as it stands: a half-written release, or somebody's work on it."""
        tools = self._tools
        trees = {tree["path"]: tree["commit"] for tree in entry.state.get("trees", ())}
        old = t.Target(entry.release, entry.name, state={"commit": entry.release, "trees": trees})
        place = preserved.new_place(tools.store, tools.spec.path)
        kept = tools.releases.preserve(tools.releases.observe(), old, place)
        if kept.empty:
            discard(kept)
        else:
            self.notes.append(f"kept what was not committed before going back: {kept.path}")

    def _finished(self, outcome: Outcome) -> Outcome:
        self._tools.journal.clear()
        return outcome


def discard(kept: t.Preserved) -> None:
    """Remove what was kept of a clean tree: nobody would look for it."""
    if kept.path:
        preserved.discard(kept.path)
