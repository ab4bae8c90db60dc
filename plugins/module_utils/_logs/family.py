# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that rotation has made of a log: found, opened while it goes on, and put in order, oldest first."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from dataclasses import dataclass
from typing import Callable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._logs.source import Source, packing

_PACKED = r"(?:\.(?:gz|bz2|xz|zst|lz4|Z))?"
_TURN = r"(?:\d{1,4}|old|\d{4}-?\d\d(?:-?\d\d)?(?:[-T_.]?\d\d?[-:.]?\d\d(?:[-:.]?\d\d)?|-\d{10})?)(?:\.\d{1,4})?"
_CANNOT = re.compile(r"\.(?:zst|lz4|Z)\Z")
_MOST = 200  # files of one log
_ROUNDS = 5  # looks at a directory in which files are being renamed

# The reasons for which a file is passed over.
ABSENT, DENIED, LINK, NOT_A_FILE, COMPRESSION, TOO_MANY, FAILED = (
    "absent",
    "denied",
    "link",
    "not_a_file",
    "compression",
    "too_many",
    "failed",
)


@dataclass(frozen=True)
class Skipped:
    """A file that was not read, or not to its end."""

    path: str
    reason: str
    message: str


@dataclass(frozen=True)
class Family:
    """The opened files of one log, oldest first, and those that could not be opened."""

    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...]


def matching(path: str) -> list[str]:
    """The path itself, or all files that match the wildcard in its last component, in order of their names."""
    folder, name = os.path.split(path)
    if not any(sign in name for sign in "*?["):
        return [path]
    return sorted(os.path.join(folder, entry) for entry in _listed(folder) if fnmatch.fnmatchcase(entry, name))


def open_family(path: str, rotated: bool, follow: bool, first_moment: Callable[[Source], float | None]) -> Family:
    """Open a log and, with ``rotated``, all its older files.

    What is open stays readable under whatever name it gets meanwhile. So the directory is looked at again until it
    has nothing new. ``follow``: a symbolic link in the last component is followed. ``first_moment``: of a source.
    """
    opened: dict[tuple[int, int], Source] = {}
    skipped: dict[str, Skipped] = {}
    for _round in range(_ROUNDS):
        known = len(opened)
        # The one that is written first: after a rotation in between it is found again under its new name.
        for name in [path, *(_older(path) if rotated else ())]:
            if len(opened) >= _MOST:
                skipped[name] = Skipped(name, TOO_MANY, f"there are more than {_MOST} files of this log")
                break
            _open_into(opened, skipped, name, follow)
        if len(opened) == known:
            break
    sources = _without_copies(list(opened.values()), skipped)
    found = {source.path for source in sources}
    left = tuple(skip for name, skip in skipped.items() if name not in found)
    return Family(_in_order(sources, path, first_moment), left)


def _older(path: str) -> list[str]:
    """What may be an older file of this log, by its name: ``app.log.1``, ``app.log-20261123.gz``, ``app-1.log``."""
    folder, name = os.path.split(path)
    stem, dot, ending = name.rpartition(".")
    shapes = [rf"{re.escape(name)}[.-]{_TURN}"]
    if dot and stem:
        shapes.append(rf"{re.escape(stem)}[.-]{_TURN}\.{re.escape(ending)}")
    pattern = re.compile(rf"(?:{'|'.join(shapes)}){_PACKED}")
    return [os.path.join(folder, entry) for entry in sorted(_listed(folder)) if pattern.fullmatch(entry)]


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder or ".")
    except OSError:
        return []  # opening the log itself will tell why


def _open_into(opened: dict[tuple[int, int], Source], skipped: dict[str, Skipped], path: str, follow: bool) -> None:
    if _CANNOT.search(path):
        skipped[path] = Skipped(path, COMPRESSION, "Python's standard library cannot unpack it")
        return
    # O_NONBLOCK: a pipe in the place of a log must not hold up the scan.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
    try:
        if not stat.S_ISREG(os.stat(path, follow_symlinks=follow).st_mode) and not os.path.islink(path):
            skipped[path] = Skipped(path, NOT_A_FILE, "it is not a regular file")
            return
        descriptor = os.open(path, flags)
    except OSError as error:
        skipped[path] = _refused(path, error)
        return
    found = os.fstat(descriptor)
    key = (found.st_dev, found.st_ino)
    if key in opened or not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        if key not in opened:
            skipped[path] = Skipped(path, NOT_A_FILE, "it is not a regular file")
        return
    opened[key] = Source(path, descriptor, found.st_size, found.st_mtime, packing(path))


def _refused(path: str, error: OSError) -> Skipped:
    import errno

    reasons = {
        errno.ENOENT: ABSENT,
        errno.ENOTDIR: ABSENT,
        errno.EACCES: DENIED,
        errno.EPERM: DENIED,
        errno.ELOOP: LINK,
    }
    reason = reasons.get(error.errno or 0, FAILED)
    told = "it is a symbolic link, which is not followed" if reason == LINK else str(error.strerror or error).lower()
    return Skipped(path, reason, told)


def _without_copies(sources: Sequence[Source], skipped: dict[str, Skipped]) -> list[Source]:
    """While a file is being compressed it is there twice, the second time in part."""
    plain = {source.path for source in sources if not source.packed}
    kept = []
    for source in sources:
        original = source.path[: -len(source.packed) - 1]
        if source.packed and original in plain:
            os.close(source.descriptor)
            skipped[source.path] = Skipped(source.path, COMPRESSION, f"it is being made of {original}, which is read")
        else:
            kept.append(source)
    return kept


def _in_order(
    sources: Sequence[Source], path: str, first_moment: Callable[[Source], float | None]
) -> tuple[Source, ...]:
    """By the first time in each where all of them tell it, else by when they were written last."""
    if len(sources) < 2:
        return tuple(sources)
    moments = {source: first_moment(source) for source in sources if source.size}
    told = [moment for moment in moments.values() if moment is not None]

    def key(source: Source) -> tuple[bool, float, float]:
        moment = moments.get(source) if len(told) == len(moments) else None
        # The one that is written is the last in any case.
        return source.path == path, source.written if moment is None else moment, source.written

    return tuple(sorted(sources, key=key))
