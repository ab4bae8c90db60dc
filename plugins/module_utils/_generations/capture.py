# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a declared set as it is at one moment: everything of every path, or nothing."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from typing import Callable, Collection, Iterable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations import reading, types as t
from ansible_collections.toombos.incident.plugins.module_utils._generations.attributes import read_attributes
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.spots import Finder, Spot, Unstable
from ansible_collections.toombos.incident.plugins.module_utils._values import format_size

MAX_FILES = 20000
MAX_BYTES = 1 << 30
_TRIES = 5
_PAUSE = 0.05  # seconds before the second try, doubled for each further one
_TICK = 0.02  # seconds: what is changed twice within a tick of the kernel's clock may have the same times
_STRANGE = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}
# Takes an entry and its content, which it may leave unread; what it reads to the end is what the entry says.
Keep = Callable[[t.Entry, Iterable[bytes]], None]


def read_set(
    declared: t.Declaration,
    exclude: Collection[str] = (),
    keep: Keep | None = None,
    *,
    max_files: int = MAX_FILES,
    max_bytes: int = MAX_BYTES,
    clock: Clock | None = None,
) -> tuple[t.Entry, ...]:
    """Its entries, sorted by path, as all of them were at one moment.

    ``exclude``: directories that are never part of a set. ``keep`` gets each regular file's entry (its ``link`` is not
    known yet) and content; a file that changes meanwhile, and with it the whole set, is handed over once more.
    Raises IncidentError for what cannot be kept: a path that cannot be read or has no content of its own, too many of
    them (``max_files``), too much in them (``max_bytes``), and for what changes all the time.
    """
    clock = clock or Clock()
    where = ""
    for attempt in range(_TRIES):
        if attempt:
            clock.sleep(_PAUSE * 2 ** (attempt - 1))
        try:
            return _Reading(declared, exclude, keep, max_files, max_bytes, clock).read()
        except Unstable as changed:
            where = changed.path
        except OSError as error:
            raise reading.unreadable(str(error.filename or declared.name), error) from error
    raise IncidentError(
        f"{shown(where)} changes all the time: it was read {_TRIES} times, and never at rest.",
        "Stop what writes to it, or take it out of the set: logs and databases are no configuration.",
    )


class _Reading:
    """One attempt. Raises Unstable, OSError with a path, IncidentError."""

    def __init__(
        self,
        declared: t.Declaration,
        exclude: Collection[str],
        keep: Keep | None,
        max_files: int,
        max_bytes: int,
        clock: Clock,
    ) -> None:
        self._declared = declared
        self._finder = Finder(exclude, max_files)
        self._keep = keep
        self._max_bytes = max_bytes
        self._clock = clock

    def read(self) -> tuple[t.Entry, ...]:
        """The set."""
        spots = self._finder.find(self._declared)
        before = reading.look(spots)
        self._check_size(before)
        self._let_the_clock_tick(before)
        entries = [self._entry(spot, parent) for spot, parent in reading.parents(spots.values())]
        if list(self._finder.find(self._declared)) != list(spots):
            raise Unstable(f"What belongs to the set {self._declared.name}")
        after = reading.look(spots)
        for path, found in before.items():
            if reading.print_of(found) != reading.print_of(after[path]):
                raise Unstable(path)
        return _linked(entries, after)

    def _check_size(self, found: Mapping[str, os.stat_result | None]) -> None:
        total = sum(each.st_size for each in found.values() if each is not None and stat.S_ISREG(each.st_mode))
        if total > self._max_bytes:
            raise IncidentError(
                f"The set {self._declared.name} has {format_size(total)}, more than {format_size(self._max_bytes)}.",
                "Declare less, such as single files in place of a tree; a set is configuration, not data.",
            )

    def _let_the_clock_tick(self, found: Mapping[str, os.stat_result | None]) -> None:
        newest = max((each.st_ctime for each in found.values() if each is not None), default=0.0)
        if newest > self._clock.wall() - _TICK:
            self._clock.sleep(_TICK)

    def _entry(self, spot: Spot, parent: int | None) -> t.Entry:
        found = reading.status(spot, parent)
        if parent is None or found is None:
            return t.Entry(spot.path, t.ABSENT)
        kind = stat.S_IFMT(found.st_mode)
        if kind == stat.S_IFLNK:
            return _symlink(spot, parent, found)
        if kind == stat.S_IFDIR:
            return _directory(spot, parent, found)
        if kind != stat.S_IFREG:
            raise IncidentError(
                f"{shown(spot.path)} is {_STRANGE.get(kind, 'no file')}, which cannot be kept.",
                "Take it out of the set, or declare the files beside it one by one.",
            )
        return self._file(spot, parent, found)

    def _file(self, spot: Spot, parent: int, found: os.stat_result) -> t.Entry:
        with reading.opened(spot, parent, found, reading.READ) as descriptor:
            digest = reading.digest(descriptor, spot.path, found.st_size)
            entry = replace(
                _made(spot, t.FILE, found),
                size=found.st_size,
                sha256=digest,
                xattrs=read_attributes(descriptor),
            )
            if self._keep is not None:
                os.lseek(descriptor, 0, os.SEEK_SET)
                self._keep(entry, reading.same(descriptor, entry))
            if reading.print_of(os.fstat(descriptor)) != reading.print_of(found):
                raise Unstable(spot.path)
        return entry


def _made(spot: Spot, kind: str, found: os.stat_result) -> t.Entry:
    return t.Entry(spot.path, kind, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_mtime_ns)


def _symlink(spot: Spot, parent: int, found: os.stat_result) -> t.Entry:
    name = spot.parts[-1]
    try:
        target = os.readlink(name, dir_fd=parent)
        xattrs = read_attributes(f"/proc/self/fd/{parent}/{name}")
    except OSError as error:
        raise reading.gone_or(error, spot.path) from error
    return replace(_made(spot, t.SYMLINK, found), target=target, xattrs=xattrs)


def _directory(spot: Spot, parent: int, found: os.stat_result) -> t.Entry:
    if spot.single:
        raise IncidentError(
            f"{shown(spot.path)} is declared as a file, and is a directory.",
            "Declare it under trees, or name the files in it.",
        )
    with reading.opened(spot, parent, found, reading.READ | os.O_DIRECTORY) as descriptor:
        return replace(_made(spot, t.DIRECTORY, found), xattrs=read_attributes(descriptor))


def _linked(entries: Sequence[t.Entry], found: Mapping[str, os.stat_result | None]) -> tuple[t.Entry, ...]:
    """With the numbers of hard links, counted in the order of the paths."""
    groups: dict[tuple[int, int], list[str]] = {}
    for entry in entries:
        status = found[entry.path]
        if entry.kind == t.FILE and status is not None:
            groups.setdefault((status.st_dev, status.st_ino), []).append(entry.path)
    several = [paths for paths in groups.values() if len(paths) > 1]
    numbers = {path: number for number, paths in enumerate(several, start=1) for path in paths}
    return tuple(replace(entry, link=numbers[entry.path]) if entry.path in numbers else entry for entry in entries)
