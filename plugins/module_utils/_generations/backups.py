# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in a backup directory, in the layouts that people make by hand, and which paths of a set it is."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Callable, Iterable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations import types as t
from ansible_collections.toombos.incident.plugins.module_utils._generations.capture import read_set
from ansible_collections.toombos.incident.plugins.module_utils._generations.moments import start_of_day
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.paths import paths_of
from ansible_collections.toombos.incident.plugins.module_utils._generations.spots import matches
from ansible_collections.toombos.incident.plugins.module_utils._generations.sums import check_sums, is_ours

_DATED = re.compile(r"(?P<name>.+)\.(?P<day>\d{8})")


@dataclass(frozen=True)
class Backup:
    """Contents for one generation. ``source`` says which; ``files``: path of the set → what the backup has for it.

    The paths of these entries are those within the backup.
    """

    source: str
    created: float
    files: Mapping[str, t.Entry]


@dataclass(frozen=True)
class Contents:
    """All that is in the directory: path within it → entry, whose own path is absolute."""

    directory: str
    entries: Mapping[str, t.Entry]


def read_contents(directory: str, signers: str) -> Contents:
    """What is there, checked against its list of checksums, where there is one. Raises IncidentError."""
    real = os.path.realpath(directory)
    if not os.path.isdir(real):
        raise IncidentError(f"There is no backup at {directory}.", "Name a directory with a backup in it.")
    found = read_set(t.Declaration("backup", trees=(real,)))
    entries = {os.path.relpath(each.path, real): each for each in found if each.path != real}
    links = frozenset(name for name, each in entries.items() if each.kind == t.SYMLINK)
    for name in sorted(links):
        _refuse_way_out(real, name, entries[name].target)
    digests = {name: each.sha256 for name, each in entries.items() if each.kind == t.FILE}
    check_sums(real, digests, links, signers)
    return Contents(directory, {name: each for name, each in entries.items() if not is_ours(name)})


def mirrored(contents: Contents, declared: t.Declaration, problems: list[str]) -> Backup:
    """A directory with the names of the set's files, such as ``config-last-good/.env``.

    ``problems`` takes down what belongs to nothing in the set. Raises IncidentError.
    """
    places = _Places(declared)
    return _mirror(contents, places.of, problems)


def below(contents: Contents, declared: t.Declaration, root: str, problems: list[str]) -> Backup:
    """A directory that mirrors everything below ``root``, such as ``emergency-restore``."""
    places = _Places(declared)

    def of(name: str) -> list[str]:
        path = os.path.normpath(os.path.join(root, name))
        return [path] if places.has(path) else []

    return _mirror(contents, of, problems)


def dated(contents: Contents, declared: t.Declaration, problems: list[str]) -> tuple[Backup, ...]:
    """Files with dates in their names, such as ``app.conf.20261127``: one backup for each day, oldest first.

    A link to another one of them stands for its content.
    """
    places = _Places(declared)
    days: dict[str, dict[str, t.Entry]] = {}
    for name in sorted(contents.entries):
        found = _DATED.fullmatch(name)
        entry = _followed(contents, name)
        if found is None or entry is None or entry.kind != t.FILE:
            problems.append(f"{shown(name)} is no file with a date, name.YYYYMMDD")
        elif start_of_day(found["day"]) is None:
            problems.append(f"{shown(name)}: there is no day {found['day']}")
        else:
            path = _only(places.of(found["name"]), name)
            if path:
                days.setdefault(found["day"], {})[path] = entry
            else:
                problems.append(f"{shown(name)} belongs to nothing in the set")
    if not days:
        raise _nothing(contents.directory, problems)
    return tuple(
        Backup(f"{contents.directory} of {day[:4]}-{day[4:6]}-{day[6:]}", start_of_day(day) or 0.0, days[day])
        for day in sorted(days)
    )


class _Places:
    """Which paths belong to the set, whether they are there or not."""

    def __init__(self, declared: t.Declaration) -> None:
        self._declared = declared
        self._there = paths_of(declared)

    def has(self, path: str) -> bool:
        """Whether it is declared."""
        declared = self._declared
        return (
            path in declared.files
            or any(_matches(path, pattern) for pattern in declared.globs)
            or any(path == tree or path.startswith(f"{tree.rstrip('/')}/") for tree in declared.trees)
        )

    def of(self, name: str) -> list[str]:
        """What a relative name stands for: what ends with it, or would if it were there."""
        declared = self._declared
        found = {path for path in (*declared.files, *self._there) if path.endswith(f"/{name}")}
        folders = {os.path.dirname(pattern) for pattern in declared.globs}
        folders |= {os.path.dirname(tree.rstrip("/")) for tree in declared.trees}
        found |= {path for path in (os.path.join(folder, name) for folder in folders) if self.has(path)}
        return sorted(path for path in found if self.has(path))


def _mirror(contents: Contents, places: Callable[[str], list[str]], problems: list[str]) -> Backup:
    files: dict[str, t.Entry] = {}
    for name, entry in contents.entries.items():
        path = _only(places(name), name)
        if path:
            files[path] = entry
        elif entry.kind != t.DIRECTORY:
            problems.append(f"{shown(name)} belongs to nothing in the set")
    times = [entry.mtime_ns for entry in files.values() if entry.kind == t.FILE]
    if not times:
        raise _nothing(contents.directory, problems)
    return Backup(contents.directory, max(times) / 1e9, files)


def _only(paths: list[str], name: str) -> str:
    if len(paths) > 1:
        raise IncidentError(
            f"{shown(name)} in the backup could be {' or '.join(shown(path) for path in paths)}.",
            "Import it with a root, relative to which the backup mirrors all paths.",
        )
    return paths[0] if paths else ""


def _followed(contents: Contents, name: str) -> t.Entry | None:
    for _step in range(8):
        entry = contents.entries.get(name)
        if entry is None or entry.kind != t.SYMLINK:
            return entry
        name = os.path.normpath(os.path.join(os.path.dirname(name), entry.target))
    return None


def _refuse_way_out(directory: str, name: str, target: str) -> None:
    """By the words of the link: what it leads to at this moment is not asked."""
    inside = os.path.normpath(os.path.join(os.path.dirname(name), target))
    if target.startswith("/") or inside == ".." or inside.startswith("../"):
        raise IncidentError(
            f"{shown(name)} in the backup {directory} is a link that leads out of it, to {shown(target)}.",
            "Replace it by what it should be, or choose another backup.",
        )


def _matches(path: str, pattern: str) -> bool:
    parts, patterns = path.strip("/").split("/"), pattern.strip("/").split("/")
    return len(parts) == len(patterns) and all(matches(*pair) for pair in zip(parts, patterns))


def _nothing(directory: str, problems: Iterable[str]) -> IncidentError:
    said = "; ".join(list(problems)[:5])
    return IncidentError(
        f"Nothing in the backup {directory} belongs to the set" + (f": {said}." if said else "."),
        "Name another directory, or declare the files in config.files.",
    )
