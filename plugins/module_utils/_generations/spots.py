# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the paths of a set are: found and opened so that no link that somebody plants leads elsewhere."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import stat
from dataclasses import dataclass
from typing import Collection, Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Declaration

_WILD = "*?["
_WAY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW


class Unstable(Exception):
    """It changes while it is read; ``path`` is where that was seen."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(path)


@dataclass(frozen=True)
class Spot:
    """A path: ``base``, a directory that may be reached through links, and the components below it, where none is.

    ``single``: the path itself is declared as a file.
    """

    base: str
    parts: tuple[str, ...]
    single: bool = False

    @property
    def path(self) -> str:
        """The whole of it."""
        return os.path.join(self.base, *self.parts)


def open_parent(spot: Spot) -> int | None:
    """A descriptor of the directory in which its last component is; None when there is no such directory."""
    return _open(spot.base, spot.parts[:-1], _WAY)


def _open(base: str, parts: Sequence[str], flags: int) -> int | None:
    """The directory below ``base``, opened with ``flags``. Raises OSError with its path, and Unstable."""
    try:
        current = os.open(base, _WAY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    for number, part in enumerate(parts, start=1):
        try:
            following = os.open(part, os.O_NOFOLLOW | (flags if number == len(parts) else _WAY), dir_fd=current)
        except FileNotFoundError:
            return None
        except NotADirectoryError:  # a link, too
            raise Unstable(os.path.join(base, *parts)) from None
        except OSError as error:
            raise OSError(error.errno, error.strerror, os.path.join(base, *parts[:number])) from error
        finally:
            os.close(current)
        current = following
    return current


class Finder:
    """Finds what a declaration names at the moment. ``exclude``: directories (or files) that are never part of it."""

    def __init__(self, exclude: Collection[str], most: int) -> None:
        self._most = most
        self._real = [os.path.realpath(each) for each in exclude]
        self._hidden: set[tuple[int, int]] = set()
        for each in exclude:
            with contextlib.suppress(OSError):
                found = os.stat(each)
                self._hidden.add((found.st_dev, found.st_ino))

    def find(self, declared: Declaration) -> dict[str, Spot]:
        """Path → spot, in the order of the paths. Raises IncidentError, and OSError with the path."""
        spots: dict[str, Spot] = {}
        for path in (*declared.files, *declared.globs, *declared.trees):
            _check(path)
        for path in declared.files:
            folder, name = os.path.split(os.path.normpath(path))
            self._refuse_hidden(folder, path)
            self._add(spots, Spot(folder, (name,), single=True))
        for pattern in declared.globs:
            base, parts = _literal(os.path.normpath(pattern))
            self._refuse_hidden(base, pattern)
            for spot in self._matching(base, (), parts):
                self._add(spots, spot)
        for tree in declared.trees:
            folder, name = os.path.split(os.path.normpath(tree))
            self._refuse_hidden(os.path.join(folder, name), tree)
            for spot in self._below(folder, name):
                self._add(spots, spot)
        return {path: spots[path] for path in sorted(spots)}

    def _add(self, spots: dict[str, Spot], spot: Spot) -> None:
        spots.setdefault(spot.path, spot)
        if len(spots) > self._most:
            raise IncidentError(
                f"The set has more than {self._most} paths.",
                "Declare less, such as single files in place of a tree; a set is configuration, not data.",
            )

    def _refuse_hidden(self, folder: str, declared: str) -> None:
        real = os.path.realpath(folder)
        if any(real == each or real.startswith(f"{each.rstrip('/')}/") for each in self._real):
            raise IncidentError(
                f"{shown(declared)} lies in the collection's own store.", "Take it out of the declaration."
            )

    def _matching(self, base: str, done: tuple[str, ...], parts: tuple[str, ...]) -> Iterator[Spot]:
        """As a shell would: no wildcard stands for the dot at the beginning of a name. Directories do not match."""
        first, rest = parts[0], parts[1:]
        for name, found in self._entries(base, done):
            if not matches(name, first):
                continue
            if rest and stat.S_ISDIR(found.st_mode):
                yield from self._matching(base, (*done, name), rest)
            elif not rest and not stat.S_ISDIR(found.st_mode):
                yield Spot(base, (*done, name))

    def _below(self, folder: str, root: str) -> Iterator[Spot]:
        yield Spot(folder, (root,))
        top = _looked_at(folder, root)
        waiting: list[tuple[str, ...]] = [(root,)] if top is not None and stat.S_ISDIR(top.st_mode) else []
        while waiting:
            parts = waiting.pop()
            for name, found in self._entries(folder, parts):
                yield Spot(folder, (*parts, name))
                if stat.S_ISDIR(found.st_mode):
                    waiting.append((*parts, name))

    def _entries(self, base: str, parts: tuple[str, ...]) -> Iterator[tuple[str, os.stat_result]]:
        """What is in the directory, without what is hidden."""
        descriptor = _open(base, parts or (".",), _LIST)
        if descriptor is None:
            return
        try:
            names = sorted(os.listdir(descriptor))
            if len(names) > self._most:
                raise IncidentError(
                    f"{shown(os.path.join(base, *parts))} has more than {self._most} entries.", "Declare less."
                )
            found = [(name, _entry(descriptor, name)) for name in names]
        finally:
            os.close(descriptor)
        for name, status in found:
            if status is not None and (status.st_dev, status.st_ino) not in self._hidden:
                yield name, status


def matches(name: str, pattern: str) -> bool:
    """Whether one component matches."""
    return fnmatch.fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))


def _literal(pattern: str) -> tuple[str, tuple[str, ...]]:
    """The directory before the first wildcard, and the components from there on."""
    parts = pattern.strip("/").split("/")
    wild = next((number for number, part in enumerate(parts) if any(sign in part for sign in _WILD)), len(parts) - 1)
    return "/" + "/".join(parts[:wild]), tuple(parts[wild:])


def _entry(descriptor: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _looked_at(folder: str, name: str) -> os.stat_result | None:
    try:
        return os.lstat(os.path.join(folder, name))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _check(path: str) -> None:
    if not path.startswith("/") or ".." in path.split("/") or os.path.normpath(path).strip("/") == "" or "\0" in path:
        raise IncidentError(
            f"{shown(path)} cannot be part of a set.", "Declare absolute paths without '..', below the root directory."
        )
