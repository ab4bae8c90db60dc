# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes generations of backups that people have made by hand: contents from there, all else from where it is known.

An imported generation is never proven, and importing the same again changes nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Collection, Iterable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Permission
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations import backups, types as t
from ansible_collections.toombos.incident.plugins.module_utils._generations.backups import Backup
from ansible_collections.toombos.incident.plugins.module_utils._generations.capture import Keep, read_set
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.permissions import permission_of
from ansible_collections.toombos.incident.plugins.module_utils._generations.store import Store

_SHOWN = 5  # paths that a source names
_IN_PLACE = "; as in place: "


@dataclass(frozen=True)
class How:
    """``permissions``: who should own what is not in place. ``whole``: refuse a backup that lacks files of the set.

    ``signers``: an allowed_signers file of ssh, one of whom must have signed the backup. ``exclude``: as for captures.
    """

    permissions: tuple[Permission, ...] = ()
    whole: bool = False
    signers: str = ""
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """``generations``: one for each backup, oldest first; ``new``: numbers of those that were not there before.

    ``problems``: what in the directory was left alone, and why, one line each.
    """

    generations: tuple[t.Generation, ...]
    new: tuple[int, ...] = ()
    problems: tuple[str, ...] = ()


def import_mirror(store: Store, declared: t.Declaration, directory: str, how: How) -> Imported:
    """A directory with the names of the set's files, such as ``backups/config-last-good/.env``."""
    problems: list[str] = []
    contents = backups.read_contents(directory, how.signers)
    return _import(store, declared, [backups.mirrored(contents, declared, problems)], how, problems)


def import_daily(store: Store, declared: t.Declaration, directory: str, how: How) -> Imported:
    """Files with dates in their names, such as ``backups/config-daily/app.conf.20261127``."""
    problems: list[str] = []
    contents = backups.read_contents(directory, how.signers)
    return _import(store, declared, backups.dated(contents, declared, problems), how, problems)


def import_tree(store: Store, declared: t.Declaration, directory: str, root: str, how: How) -> Imported:
    """A directory that mirrors everything below ``root``, dot-files included, such as ``backups/emergency-restore``."""
    problems: list[str] = []
    contents = backups.read_contents(directory, how.signers)
    return _import(store, declared, [backups.below(contents, declared, root, problems)], how, problems)


def _import(
    store: Store,
    declared: t.Declaration,
    found: Sequence[Backup],
    how: How,
    problems: Collection[str],
) -> Imported:
    before = {each.number for each in store.generations(declared.name, [])}
    made = tuple(_Import(store, declared, backup, how).run() for backup in found)
    return Imported(made, tuple(each.number for each in made if each.number not in before), tuple(problems))


class _Import:
    """One backup becomes one generation."""

    def __init__(self, store: Store, declared: t.Declaration, backup: Backup, how: How) -> None:
        self._store = store
        self._declared = declared
        self._backup = backup
        self._how = how

    def run(self) -> t.Generation:
        """The generation, perhaps one that was there before. Raises IncidentError."""
        exclude = (self._store.directory, *self._how.exclude)
        there = {each.path: each for each in read_set(self._declared, exclude)}
        lacking = [path for path, each in there.items() if self._is_lacking(path, each)]
        if lacking and self._how.whole:
            raise IncidentError(
                f"The backup {self._backup.source} is not whole: it lacks {_some(lacking)}.",
                "Choose another backup, or import this one without asking for a whole one.",
            )
        present = [path for path in lacking if there[path].kind != t.ABSENT]
        return self._store.keep(
            self._declared,
            origin=t.IMPORTED,
            source=self._backup.source + (f"{_IN_PLACE}{_some(present)}" if present else ""),
            created=self._backup.created,
            read=self._read,
            same=self._same,
        )

    def _is_lacking(self, path: str, entry: t.Entry) -> bool:
        """Directories are no files; what is declared by its name and nowhere is lacking as well."""
        return path not in self._backup.files and entry.kind != t.DIRECTORY and path not in self._declared.trees

    def _read(self, keep: Keep) -> tuple[t.Entry, ...]:
        files = self._backup.files
        exclude = (self._store.directory, *self._how.exclude)

        def keep_rest(entry: t.Entry, pieces: Iterable[bytes]) -> None:
            if entry.path not in files:
                keep(entry, pieces)

        entries = {each.path: each for each in read_set(self._declared, exclude, keep_rest)}
        for path, entry in files.items():
            entries[path] = self._placed(path, entry, entries.get(path, t.Entry(path, t.ABSENT)))
        self._read_backup(keep)
        return _unlinked(tuple(entries[path] for path in sorted(entries)))

    def _read_backup(self, keep: Keep) -> None:
        """Once more, and now kept. It must be what was checked."""
        wanted = {each.path: each for each in self._backup.files.values() if each.kind == t.FILE}
        for each in read_set(t.Declaration("backup", tuple(sorted(wanted))), (), keep):
            if each.sha256 != wanted[each.path].sha256:
                raise IncidentError(
                    f"{shown(each.path)} was changed while the backup was imported.", "Run it again when it is at rest."
                )

    def _placed(self, path: str, entry: t.Entry, there: t.Entry) -> t.Entry:
        """The entry of the backup, owned and protected as what is in place, or else as it is declared."""
        if there.kind not in (entry.kind, t.ABSENT):
            raise IncidentError(
                f"{shown(path)} is a {there.kind} in place, and a {entry.kind} in the backup {self._backup.source}.",
                "Find out which one is right, and make them alike.",
            )
        if there.kind == t.ABSENT:
            mode, uid, gid = permission_of(path, entry.kind, self._how.permissions)
            there = t.Entry(path, entry.kind, mode, uid, gid, entry.mtime_ns)
        if entry.kind == t.DIRECTORY:
            return there
        return replace(
            there, mtime_ns=entry.mtime_ns, size=entry.size, sha256=entry.sha256, target=entry.target, link=0
        )

    def _same(self, known: Sequence[t.Generation], _entries: Sequence[t.Entry]) -> t.Generation | None:
        """One that was made of the same backup, whatever has become of the files in place since."""
        return next((each for each in reversed(known) if self._is_of_this(each)), None)

    def _is_of_this(self, generation: t.Generation) -> bool:
        if generation.origin != t.IMPORTED or generation.declared != self._declared:
            return False
        if generation.source.partition(_IN_PLACE)[0] != self._backup.source:
            return False
        kept = {each.path: _content(each) for each in generation.entries}
        return all(kept.get(path) == _content(entry) for path, entry in self._backup.files.items())


def _content(entry: t.Entry) -> tuple[str, str, str]:
    return entry.kind, entry.sha256, entry.target


def _unlinked(entries: tuple[t.Entry, ...]) -> tuple[t.Entry, ...]:
    """Hard links of which only one is left are none."""
    numbers = [each.link for each in entries if each.link]
    return tuple(replace(each, link=0) if each.link and numbers.count(each.link) < 2 else each for each in entries)


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(shown(os.fspath(path)) for path in paths[:_SHOWN]) + more
