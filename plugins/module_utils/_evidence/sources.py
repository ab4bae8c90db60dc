# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of sources of an artifact: readers of ours, commands, files, and logs with what rotation made of them."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
from dataclasses import replace
from typing import Callable, Generator, Iterable, Iterator, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._evidence import files, parts, types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.commands import Command
from ansible_collections.toombos.incident.plugins.module_utils._evidence.compress import Broken
from ansible_collections.toombos.incident.plugins.module_utils._evidence.outcomes import Gathered, Outcome, by_size
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.masks import NameMask, OfNames
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Full, Store
from ansible_collections.toombos.incident.plugins.module_utils._logs.source import Unreadable
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_LATE = "there was no time to read on; the digest is of what was read"
Reader = Callable[[], Iterable[bytes]]


class Sources:
    """Puts what a source yields into ``store``. ``mask``: sensitivity classes in which secrets are masked."""

    def __init__(self, store: Store, readers: Mapping[str, Reader], clock: Clock, mask: frozenset[str]) -> None:
        self._store = store
        self._readers = readers
        self._clock = clock
        self._mask = mask
        self._kinds = {
            "native": self._native,
            "command": self._command,
            "files": self._files,
            "family": self._family,
        }

    def gather(self, artifact: t.Artifact, source: t.Source, deadline: float) -> Outcome:
        """What became of it. Raises OSError, Full and Broken, when nothing of it is kept."""
        try:
            return self._kinds[source.kind](artifact, source, deadline)
        except Unmaskable as error:
            return Outcome(t.DENIED, str(error), " ".join(source.what))

    def _native(self, artifact: t.Artifact, source: t.Source, deadline: float) -> Outcome:
        name = source.what[0]
        reader = self._readers[name]
        mask = NameMask()
        # Records of names are masked by whoever makes them: cut as texts, they would be none any more.
        own = reader.masked if isinstance(reader, OfNames) and artifact.sensitivity in self._mask else None
        content = _Timed(own(mask) if own else reader(), deadline, self._clock)
        put = self._store.put if own else functools.partial(self._put, artifact)
        try:
            stored = put(f"{artifact.name}/0001", name, content, artifact.max_bytes)
            if mask.changed:
                stored = tuple(replace(each, redacted=True) for each in stored)
        except PermissionError as error:
            return Outcome(t.DENIED, str(error), name)
        except FileNotFoundError as error:
            return Outcome(t.ABSENT, str(error), name)
        if content.late:
            return Outcome(t.TIMEOUT, "it took too long; what was read until then is kept", name, files=stored)
        return Outcome(by_size(stored), "", name, files=stored)

    def _command(self, artifact: t.Artifact, source: t.Source, deadline: float) -> Outcome:
        shown = redact(" ".join(source.what))
        try:
            command = Command(source.what, deadline, self._clock)
        except FileNotFoundError:
            return Outcome(t.ABSENT, f"there is no {source.what[0]}", shown)
        except PermissionError as error:
            return Outcome(t.DENIED, str(error), shown)
        stored = self._put(artifact, f"{artifact.name}/0001", shown, command.output(), artifact.max_bytes)
        if command.rc and not stored[0].size:
            self._store.forget(stored)
            return Outcome(t.ERROR, f"it ended with return code {command.rc}", shown, command.rc, command.stderr)
        outcome, message = by_size(stored), ""
        if command.timed_out:
            outcome, message = t.TIMEOUT, "it was ended; what it had printed until then is kept"
        return Outcome(outcome, message, shown, command.rc, command.stderr, stored)

    def _files(self, artifact: t.Artifact, source: t.Source, deadline: float) -> Outcome:
        gathered = _Room(artifact, deadline)
        paths, gathered.many = files.expand(source.what)
        for path in paths:
            if self._clock.monotonic() >= deadline:
                gathered.late = True
                break
            self._by_name(gathered, path)
        return gathered.outcome(" ".join(source.what))

    def _family(self, artifact: t.Artifact, source: t.Source, deadline: float) -> Outcome:
        from ansible_collections.toombos.incident.plugins.module_utils._logs.family import matching, open_family

        gathered = _Room(artifact, deadline)
        for path in [path for pattern in source.what for path in matching(pattern)]:
            family = open_family(path, rotated=True, follow=False, first_moment=lambda _source: None)
            try:
                # The newest first: room and time may end.
                for each in reversed(family.sources):
                    self._opened(gathered, each.path, _as_opened(each.path, each.descriptor))
            finally:
                for each in family.sources:
                    os.close(each.descriptor)
            # What a scan cannot read can be kept all the same.
            for skipped in family.skipped:
                self._by_name(gathered, skipped.path)
        return gathered.outcome(" ".join(source.what))

    def _by_name(self, gathered: _Room, path: str) -> None:
        try:
            with files.opened(path) as opened:
                self._opened(gathered, path, opened)
        except FileNotFoundError:
            gathered.absent.append(path)
        except PermissionError:
            gathered.denied.append(path)
        except files.NotRegular as error:
            gathered.odd.append(f"{path}: {error}")
        except OSError as error:
            gathered.broken.append(f"{path}: {error.strerror or error}")

    def _opened(self, gathered: _Room, path: str, opened: files.Opened) -> None:
        content = _Timed(files.read(opened), gathered.deadline, self._clock)
        try:
            stored = self._put(gathered.artifact, gathered.next_name(), path, content, gathered.left, opened.size)
        except Unmaskable as error:
            gathered.denied.append(f"{path}: {error}")
            return
        except (Unreadable, Full, Broken) as error:  # what was kept of others stays
            gathered.broken.append(f"{path}: {error}")
            return
        notes = [files.moved(opened, stored[0].size), f"it is {opened.path}" if opened.path != path else ""]
        if content.late:
            gathered.late = True
            stored = tuple(replace(each, part=parts.HEAD) if each.part == parts.WHOLE else each for each in stored)
            notes = [_LATE]
        gathered.add(tuple(t.with_note(each, *notes) for each in stored))

    def _put(
        self, artifact: t.Artifact, name: str, origin: str, content: Iterable[bytes], cap: int, size: int | None = None
    ) -> tuple[t.Stored, ...]:
        """As the store does, masked where it must be. Raises Unmaskable, too."""
        pieces = iter(content)
        try:
            if artifact.sensitivity not in self._mask:
                return self._store.put(name, origin, pieces, cap, size)
            return self._put_masked(name, origin, pieces, cap, size)
        finally:
            _close(pieces)

    def _put_masked(
        self, name: str, origin: str, content: Iterator[bytes], cap: int, size: int | None
    ) -> tuple[t.Stored, ...]:
        from ansible_collections.toombos.incident.plugins.module_utils._evidence.redacting import Masking

        first, rest = parts.begun(content, 1)
        masking = Masking(first)
        if masking.obstacle:
            raise Unmaskable(masking.obstacle)
        stored = self._store.put(
            name, origin, _after(first, rest), cap, size, masking.change, resized=bool(masking.packed)
        )
        note = "unpacked, so that secrets could be masked" if masking.packed else ""
        return tuple(t.with_note(replace(each, redacted=masking.changed), note) for each in stored)


class Unmaskable(OSError):
    """It cannot be kept: nobody can tell whether it holds secrets."""


class _Room(Gathered):
    """The files of an artifact, and how much more of them may be kept until when."""

    def __init__(self, artifact: t.Artifact, deadline: float) -> None:
        super().__init__()
        self.artifact = artifact
        self.deadline = deadline
        self.left = artifact.max_bytes
        self._number = 0

    def next_name(self) -> str:
        """Where the next one is stored."""
        self._number += 1
        return f"{self.artifact.name}/{self._number:04d}"

    def add(self, stored: tuple[t.Stored, ...]) -> None:
        """These are kept."""
        self.files += stored
        self.left -= min(self.left, stored[0].size)


class _Timed:
    """Pieces until the deadline; ``late`` when there were more."""

    def __init__(self, content: Iterable[bytes], deadline: float, clock: Clock) -> None:
        self._content = content
        self._deadline = deadline
        self._clock = clock
        self.late = False

    def __iter__(self) -> Iterator[bytes]:
        pieces = iter(self._content)
        try:
            for piece in pieces:
                yield piece
                if self._clock.monotonic() >= self._deadline:
                    self.late = True
                    return
        finally:
            _close(pieces)


def _close(pieces: Iterator[bytes]) -> None:
    """What a generator holds, such as a running command, is let go at once, also after an error."""
    if isinstance(pieces, Generator):
        pieces.close()


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _as_opened(path: str, descriptor: int) -> files.Opened:
    # When it was read last stays as it is, as for other files.
    with contextlib.suppress(PermissionError):
        fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_NONBLOCK | os.O_NOATIME)
    status = os.fstat(descriptor)
    return files.Opened(path, descriptor, status, status.st_size)
