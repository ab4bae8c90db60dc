# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generations of a host's configuration: kept once, durable, and refused when anything of them is damaged.

Below the directory, 0700: ``objects/ab/<sha256>`` (contents), ``sets/<name>/000007.json`` (manifests),
``000007.proof.json``, ``labels.json``, and ``lock``. Contents are durable before the manifest that names them, so that
a kill at any point leaves at worst contents that nobody needs. What else lies in the directory is not the store's.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
from dataclasses import replace
from typing import Callable, Collection, Iterable, Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations import audit, proving, pruning, types as t
from ansible_collections.toombos.incident.plugins.module_utils._generations.capture import Keep, read_set
from ansible_collections.toombos.incident.plugins.module_utils._generations.codec import Corrupt
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import (
    SET_NAME,
    check_label,
    check_set_name,
)
from ansible_collections.toombos.incident.plugins.module_utils._generations.objects import Objects
from ansible_collections.toombos.incident.plugins.module_utils._generations.place import check_place, locked, make_place
from ansible_collections.toombos.incident.plugins.module_utils._generations.records import Records

PATIENCE = 30.0  # seconds that a writer waits for another one
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Reads entries from wherever they are, and hands over the content of each regular file.
Read = Callable[[Keep], "tuple[t.Entry, ...]"]


class Store:
    """The store in ``directory`` (absolute), made with the first generation. ``who`` works on it, for others who wait.

    All methods raise IncidentError: for a directory that is not ours alone, for damage (Corrupt), a full disk, and a
    writer that others have waited ``patience`` seconds for.
    """

    def __init__(
        self, directory: str, *, who: str = "a run", patience: float = PATIENCE, clock: Clock | None = None
    ) -> None:
        self.directory = directory
        self._who = who
        self._patience = patience
        self._clock = clock or Clock()
        self._objects = Objects(os.path.join(directory, "objects"))
        self._sets = os.path.join(directory, "sets")

    def keep(
        self,
        declared: t.Declaration,
        *,
        origin: str = t.SNAPSHOT,
        source: str = "",
        created: float | None = None,
        exclude: Collection[str] = (),
        read: Read | None = None,
        same: Callable[[Sequence[t.Generation], Sequence[t.Entry]], t.Generation | None] | None = None,
    ) -> t.Generation:
        """Keep the set as it is on the disk; when that is the newest generation, this one, and nothing is written.

        What others have damaged in the store meanwhile is healed as far as the contents are still at hand. ``exclude``:
        what is not part of a set beside the store itself. ``read`` gets the entries from elsewhere, and ``same`` finds
        the generation that they are already.
        """
        check_set_name(declared.name)
        reading = read or functools.partial(read_set, declared, (self.directory, *exclude))
        with self._writing():
            records = self._records(declared.name)
            try:
                entries = reading(self._put)
                known = self._readable(records, [])
                found = same(known, entries) if same else find_same(known, declared, entries)
                if found is not None:
                    self._objects.take_back({entry.sha256 for entry in found.entries})
                    return found
                numbers = records.numbers()
                wall = self._clock.wall() if created is None else created
                number = numbers[-1] + 1 if numbers else 1
                made = t.Generation(number, wall, declared, entries, origin, source)
                records.write(made, numbers[-1] if numbers else None)
            except BaseException:
                self._objects.take_back()
                raise
        return made

    def find(self, declared: t.Declaration, entries: Sequence[t.Entry]) -> t.Generation | None:
        """The generation that ``keep`` would find again, in place of making a new one, for a set like this."""
        return find_same(self.generations(declared.name, []), declared, entries)

    def names(self) -> tuple[str, ...]:
        """Of all sets of which there is something."""
        if not check_place(self.directory):
            return ()
        return tuple(sorted(name for name in self._entries() if self._is_set(name)))

    def generations(self, name: str, damaged: list[str] | None = None) -> tuple[t.Generation, ...]:
        """All of a set, by number. Damage is an error, unless ``damaged`` takes it down, one line each."""
        check_set_name(name)
        if not check_place(self.directory):
            return ()
        problems: list[str] = []
        found = self._readable(self._records(name), problems)
        if problems and damaged is None:
            raise IncidentError(
                f"The store {self.directory} is damaged: {'; '.join(problems[:5])}.",
                f"Move what is named out of {self.directory} (do not delete it), and run again; other generations "
                "are not touched by that.",
            )
        if damaged is not None:
            damaged += problems
        return found

    def get(self, name: str, number: int) -> t.Generation:
        """One generation with its labels and proof. Raises Corrupt for one that is damaged."""
        check_set_name(name)
        check_place(self.directory)
        records = self._records(name)
        numbers = records.numbers()
        if number not in numbers:
            there = f"the newest is {name}-{numbers[-1]:06d}" if numbers else f"there is none of {name} at all"
            raise IncidentError(f"There is no {name}-{number:06d}: {there}.", "List what there is, and choose again.")
        labels = tuple(sorted(label for label, at in records.labels().items() if at == number))
        return replace(records.read(number), labels=labels, proof=records.proof(number))

    def content(self, sha256: str) -> Iterator[bytes]:
        """In pieces, each only as true as the end: whoever does not read to the end has nothing. Raises Corrupt."""
        check_place(self.directory)
        return self._objects.read(sha256)

    def label(self, generation: t.Generation, label: str, *, move: bool = False) -> t.Generation:
        """Give a label, which stands for one generation of the set; ``move``: also when it stands for another one."""
        name = generation.declared.name
        check_label(label, name)
        with self._writing():
            records = self._records(name)
            records.read(generation.number)
            labels = records.labels()
            other = labels.get(label, generation.number)
            if other != generation.number and not move:
                raise IncidentError(
                    f"{label} stands for {name}-{other:06d} already.", "Give another label, or move this one."
                )
            if labels.get(label) != generation.number:
                records.write_labels({**labels, label: generation.number})
            return self.get(name, generation.number)

    def unlabel(self, name: str, label: str) -> bool:
        """Take a label away; whether there was one."""
        check_set_name(name)
        with self._writing():
            records = self._records(name)
            labels = records.labels()
            if label not in labels:
                return False
            records.write_labels({each: number for each, number in labels.items() if each != label})
            return True

    def prove(self, generation: t.Generation, proof: t.Proof, rounds: int = 3) -> t.Generation:
        """Call a generation good, for this reason. A proof that is there stays.

        Raises IncidentError for a proof that proves nothing: of fewer than ``rounds``, of checks that did not pass, or
        older than the set.
        """
        name = generation.declared.name
        with self._writing():
            records = self._records(name)
            kept = records.read(generation.number)
            proving.check_proof(kept, proof, rounds)
            if records.proof(generation.number) is None:
                records.write_proof(generation.number, proof)
            return self.get(name, generation.number)

    def verify(self) -> list[str]:
        """What is wrong with the store, one line each; every byte of it is read."""
        if not check_place(self.directory):
            return []
        with self._no_surprises(), self._locked(writes=False):
            strange = [f"{os.path.join(self._sets, name)}" for name in self._entries() if not self._is_set(name)]
            return [f"{path} is nothing of the store's" for path in strange] + audit.verify(self._objects, self._all())

    def prune(self, keep: int = 30, keep_days: float = 0.0, held: Collection[str] = ()) -> pruning.Pruned:
        """Remove generations that are neither among the newest ``keep`` of their set nor younger than ``keep_days``.

        Those with a label, the newest two that are proven, the newest, and those in use (``held``: ids) stay in any
        case. Then contents that no generation names go. Raises IncidentError, and removes nothing, in a damaged store.
        """
        if not check_place(self.directory):
            return pruning.Pruned()
        with self._writing():
            policy = pruning.Policy(keep, keep_days, frozenset(held), self._clock.wall())
            return pruning.prune(self._objects, self._all(), policy)

    def _put(self, entry: t.Entry, pieces: Iterable[bytes]) -> None:
        with self._no_surprises():
            self._objects.put(entry.sha256, entry.size, pieces)

    def _records(self, name: str) -> Records:
        return Records(self._sets, name, self._objects)

    def _entries(self) -> list[str]:
        try:
            return sorted(os.listdir(self._sets))
        except FileNotFoundError:
            return []

    def _is_set(self, name: str) -> bool:
        path = os.path.join(self._sets, name)
        return SET_NAME.fullmatch(name) is not None and os.path.isdir(path) and not os.path.islink(path)

    def _all(self) -> list[Records]:
        return [self._records(name) for name in self.names()]

    def _readable(self, records: Records, problems: list[str]) -> tuple[t.Generation, ...]:
        """By number; ``problems`` takes down what is damaged."""
        labels: dict[str, int] = {}
        try:
            labels = records.labels()
        except Corrupt as error:
            problems.append(error.short)
        found = []
        for number in records.numbers():
            try:
                generation = records.read(number)
            except Corrupt as error:
                problems.append(error.short)
                continue
            try:
                generation = replace(generation, proof=records.proof(number))
            except Corrupt as error:
                problems.append(error.short)
            given = tuple(sorted(label for label, at in labels.items() if at == number))
            found.append(replace(generation, labels=given))
        return tuple(found)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with self._no_surprises():
            make_place(self.directory)
            with self._locked():
                yield

    @contextlib.contextmanager
    def _locked(self, *, writes: bool = True) -> Iterator[None]:
        with locked(self.directory, self._who, self._patience, self._clock, writes=writes):
            yield

    @contextlib.contextmanager
    def _no_surprises(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise IncidentError(
                    f"The store {self.directory} has no room: {error.strerror}. Nothing of this is kept.",
                    "Free some space on its file system, or prune the store, and run again.",
                ) from error
            raise IncidentError(
                f"The store {self.directory} cannot be used: {error.strerror} ({error.filename}). Nothing is kept.",
                "Run with become: true, or name another directory as the store.",
            ) from error


def find_same(
    known: Sequence[t.Generation], declared: t.Declaration, entries: Sequence[t.Entry]
) -> t.Generation | None:
    """The newest generation, if it is what the set is now: by time, and of those that were not imported by number."""
    newest = sorted(known, key=lambda each: (each.created, each.number))[-1:]
    newest += [each for each in known if each.origin != t.IMPORTED][-1:]
    return next((each for each in newest if each.declared == declared and each.entries == tuple(entries)), None)
