# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a switch with every name that it needs on the disk: what the journal holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._generations.types import ABSENT, Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.places import entered, status_of
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import ATTRIBUTES, Operation, Switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.ways import Ways

STAGING = "staging"  # not decided: whoever finds it undoes it
COMMITTED = "committed"  # decided: whoever finds it finishes it
SWITCHED = "switched"  # every name is new; what is old lies aside
PREFIX = ".incident-"


@dataclass(frozen=True)
class Step:
    """One rename. All names lie in ``parent``, a resolved path of a directory with the number ``parent_inode``.

    ``staged``: the new one until it is renamed to ``name``; empty: the name goes. ``aside``: what is renamed out of the
    way. ``inode``: of what is staged, known when all is. ``before``: inode, size and time (ns) of what is there at
    first, of a directory the inode alone; empty: nothing. ``inside``: names below a directory that goes, deepest first.
    """

    path: str
    parent: str
    parent_inode: int
    name: str
    staged: str
    aside: str
    before: tuple[int, ...] = ()
    inode: int = 0
    inside: tuple[str, ...] = ()
    replaced: bool = False  # by one rename over it, without being put aside


@dataclass(frozen=True)
class Folder:
    """A directory of the set that stays. ``path`` is resolved; ``mtime_ns`` is set back when the switch is undone."""

    path: str
    inode: int
    mtime_ns: int
    after: Entry


@dataclass(frozen=True)
class Record:
    """A switch under way: ``state`` is STAGING, COMMITTED or SWITCHED; ``since`` in seconds since 1970."""

    state: str
    since: float
    steps: tuple[Step, ...]
    folders: tuple[Folder, ...]


def make_steps(switch: Switch, since: float, ways: Ways) -> Record:
    """Look up the directories and make up the names, which nobody can guess. Raises OSError."""
    token = os.urandom(8).hex()
    moved = [each for each in switch.operations if each.verb != ATTRIBUTES]
    stay = [each for each in switch.operations if each.verb == ATTRIBUTES]
    steps = tuple(_step(each, f"{PREFIX}{token}-{number}", ways) for number, each in enumerate(moved))
    return Record(STAGING, since, steps, tuple(_folder(each, ways) for each in stay))


def identity(status: os.stat_result | None, directory: bool) -> tuple[int, ...]:
    """What tells whether a name is still what it was; renames do not change it."""
    if status is None:
        return ()
    return (status.st_ino,) if directory else (status.st_ino, status.st_size, status.st_mtime_ns)


def _step(operation: Operation, name: str, ways: Ways) -> Step:
    parent, base = ways.resolve(operation.path)
    went, comes = operation.before.kind, operation.after.kind
    with ways.parent(operation.path) as descriptor:
        status = status_of(descriptor, base)
        return Step(
            path=operation.path,
            parent=parent,
            parent_inode=os.fstat(descriptor).st_ino,
            name=base,
            staged="" if comes == ABSENT else f"{name}.new",
            aside=f"{name}.old",
            before=identity(status, went == "directory"),
            inside=_names_below(operation.path, operation.inside_before),
            replaced="directory" not in (went, comes) and ABSENT not in (went, comes),
        )


def _names_below(path: str, entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(entry.path[len(path) + 1 :] for entry in reversed(entries))


def _folder(operation: Operation, ways: Ways) -> Folder:
    parent, base = ways.resolve(operation.path)
    path = os.path.join(parent, base)
    with ways.parent(operation.path) as above, entered(os.dup(above), [base]) as descriptor:
        status = os.fstat(descriptor)
        return Folder(path, status.st_ino, operation.before.mtime_ns, operation.after)
