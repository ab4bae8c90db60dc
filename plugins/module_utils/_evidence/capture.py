# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects the declared artifacts, the most volatile first; each ends as exactly one outcome, in time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Iterable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._evidence import files, types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.commands import Command
from ansible_collections.toombos.incident.plugins.module_utils._evidence.compress import Broken
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Full, Store

_GRACE = 2.0  # seconds beyond its timeout in which an artifact may still say what became of it
Reader = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Policy:
    """``deadline``: a value of ``clock.monotonic`` by which everything has its outcome. ``keep``: sensitivity classes
    that are kept; what is of another class is ``denied``. ``root``: whether this process has root's privileges.
    """

    deadline: float
    keep: frozenset[str]
    root: bool


def in_order(artifacts: Sequence[t.Artifact]) -> list[t.Artifact]:
    """The most volatile first, otherwise as declared."""
    return sorted(artifacts, key=lambda artifact: artifact.tier)


class Capture:
    """Collects into ``store``. ``readers``: name → what yields its content, for sources of the kind ``native``."""

    def __init__(self, store: Store, readers: Mapping[str, Reader], policy: Policy, clock: Clock) -> None:
        self._store = store
        self._readers = readers
        self._policy = policy
        self._clock = clock

    def collect(self, artifact: t.Artifact) -> t.Collected:
        """What became of it. Never raises for something that is wrong with the host."""
        wall, began = self._clock.wall(), self._clock.monotonic()
        outcome = self._outcome(artifact, began)
        elapsed = self._clock.monotonic() - began
        return t.Collected(artifact=artifact, began=wall, began_monotonic=began, duration=elapsed, **vars(outcome))

    def _outcome(self, artifact: t.Artifact, began: float) -> _Outcome:
        if artifact.sensitivity not in self._policy.keep:
            return _Outcome(t.DENIED, f"what is {artifact.sensitivity} is not kept")
        if artifact.root and not self._policy.root:
            return _Outcome(t.DENIED, "it needs root's privileges: run with become: true")
        deadline = min(began + artifact.timeout, self._policy.deadline)
        if deadline <= began:
            return _Outcome(t.TIMEOUT, "the time for the whole capture was spent before")
        try:
            return call_by(deadline + _GRACE, self._clock, lambda: self._try_sources(artifact, deadline))
        except Overdue:
            self._store.abandon(artifact.name)
            return _Outcome(t.TIMEOUT, "it hung; nothing of it is kept")
        except Full as error:
            return _Outcome(t.ERROR, str(error))
        except (OSError, Broken) as error:
            return _Outcome(t.ERROR, str(error))

    def _try_sources(self, artifact: t.Artifact, deadline: float) -> _Outcome:
        tried: list[str] = []
        outcome = _Outcome(t.ABSENT, "it has no source")
        for source in artifact.sources:
            outcome = getattr(self, f"_from_{source.kind}")(artifact, source, deadline)
            if outcome.files or outcome.outcome not in (t.ABSENT, t.DENIED, t.ERROR):
                break
            tried.append(f"{outcome.source}: {outcome.message}")
        # What was tried in vain before belongs to the record of what was had instead.
        before = tried if outcome.files else tried[:-1]
        return replace(outcome, message="; ".join(filter(None, (outcome.message, *before))))

    def _from_native(self, artifact: t.Artifact, source: t.Source, deadline: float) -> _Outcome:
        name = source.what[0]
        content = self._until(self._readers[name](), deadline)
        try:
            stored = self._store.put(f"{artifact.name}/0001", name, content, artifact.max_bytes)
        except _Late:
            return _Outcome(t.TIMEOUT, "it took too long; nothing of it is kept", name)
        except PermissionError as error:
            return _Outcome(t.DENIED, str(error), name)
        except FileNotFoundError as error:
            return _Outcome(t.ABSENT, str(error), name)
        return _Outcome(_by_size(stored), "", name, files=stored)

    def _from_command(self, artifact: t.Artifact, source: t.Source, deadline: float) -> _Outcome:
        shown = " ".join(source.what)
        try:
            command = Command(source.what, deadline, self._clock)
        except FileNotFoundError:
            return _Outcome(t.ABSENT, f"there is no {source.what[0]}", shown)
        except PermissionError as error:
            return _Outcome(t.DENIED, str(error), shown)
        stored = self._store.put(f"{artifact.name}/0001", shown, command.output(), artifact.max_bytes)
        if command.rc and not stored[0].size:
            self._store.forget(stored)
            return _Outcome(t.ERROR, f"it ended with return code {command.rc}", shown, command.rc, command.stderr)
        outcome, message = _by_size(stored), ""
        if command.timed_out:
            outcome, message = t.TIMEOUT, "it was ended; what it had printed until then is kept"
        return _Outcome(outcome, message, shown, command.rc, command.stderr, stored)

    def _from_files(self, artifact: t.Artifact, source: t.Source, deadline: float) -> _Outcome:
        shown = " ".join(source.what)
        gathered = _Gathered()
        left = artifact.max_bytes
        for number, path in enumerate(files.expand(source.what), 1):
            if self._clock.monotonic() >= deadline:
                gathered.late = True
                break
            stored = self._one_file(f"{artifact.name}/{number:04d}", path, left, gathered)
            left = max(0, left - sum(each.stored for each in stored))
            gathered.files += stored
        return gathered.outcome(shown)

    def _one_file(self, name: str, path: str, cap: int, gathered: _Gathered) -> tuple[t.Stored, ...]:
        try:
            with files.opened(path) as opened:
                stored = self._store.put(name, path, files.read(opened), cap, opened.size)
                note = files.moved(opened, stored[0].size)
                if opened.path != path:
                    note = "; ".join(filter(None, (f"it is {opened.path}", note)))
        except FileNotFoundError:
            gathered.absent.append(path)
        except PermissionError:
            gathered.denied.append(path)
        except files.NotRegular as error:
            gathered.odd.append(f"{path}: {error}")
        except OSError as error:
            gathered.broken.append(f"{path}: {error.strerror}")
        else:
            return tuple(t.with_note(each, note) for each in stored)
        return ()

    def _until(self, content: Iterable[bytes], deadline: float) -> Iterable[bytes]:
        for piece in content:
            if self._clock.monotonic() >= deadline:
                raise _Late
            yield piece


class _Late(Exception):
    """The time of an artifact is over."""


@dataclass(frozen=True)
class _Outcome:
    outcome: str
    message: str = ""
    source: str = ""
    rc: int | None = None
    stderr: str = ""
    files: tuple[t.Stored, ...] = ()


class _Gathered:
    """What became of the files of an artifact."""

    def __init__(self) -> None:
        self.files: tuple[t.Stored, ...] = ()
        self.absent: list[str] = []
        self.denied: list[str] = []
        self.odd: list[str] = []
        self.broken: list[str] = []
        self.late = False

    def outcome(self, shown: str) -> _Outcome:
        """One word for all of them: the worst that happened to any."""
        message = "; ".join(
            f"{title}: {', '.join(paths[:5])}{' …' if len(paths) > 5 else ''}"
            for title, paths in (
                ("cannot be read", self.broken),
                ("not permitted", self.denied),
                ("left alone", self.odd),
                ("not there", self.absent if self.files else []),
            )
            if paths
        )
        if self.late:
            return _Outcome(
                t.TIMEOUT, f"there was no time for the rest; {message}".rstrip("; "), shown, files=self.files
            )
        if self.broken:
            return _Outcome(t.ERROR, message, shown, files=self.files)
        if self.denied:
            return _Outcome(t.DENIED, message, shown, files=self.files)
        if not self.files:
            return _Outcome(t.ABSENT, message or "none of them is there", shown)
        return _Outcome(_by_size(self.files), message, shown, files=self.files)


def _by_size(stored: Sequence[t.Stored]) -> str:
    if any(each.part != "whole" for each in stored):
        return t.TRUNCATED
    return t.COLLECTED if any(each.size for each in stored) else t.EMPTY
