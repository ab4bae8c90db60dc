# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the plan of a switch: a pure function of what is there and what shall be."""

from __future__ import annotations

import os
from typing import Iterator, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import (
    ABSENT,
    DIRECTORY,
    FILE,
    KINDS,
    SYMLINK,
    Entry,
)
from ansible_collections.toombos.incident.plugins.module_utils._rollback.compare import differences
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import (
    ATTRIBUTES,
    LINK,
    MAKE,
    PUT,
    REMOVE,
    VERBS,
    Operation,
    Switch,
)

_Set = Mapping[str, Entry]
_ABSENT = Entry("", ABSENT)


def make_switch(current: Sequence[Entry], target: Sequence[Entry]) -> Switch:
    """What leads from ``current`` to ``target``; no operations when both mean the same.

    A path that only one side knows is absent on the other. Files of which anything differs are put anew, with all
    names of their hard links; directories that stay are changed in place. Raises IncidentError where a side contradicts
    itself, or the way to a path is switched, too.
    """
    before, after = _by_path(current, "current"), _by_path(target, "target")
    links = {path: (_names(before).get(path), _names(after).get(path)) for path in {*before, *after}}
    operations: list[Operation] = []
    kept: list[Entry] = []
    whole = ""
    for path in sorted({*before, *after}, key=_by_component):
        if whole and path.startswith(f"{whole}/"):
            continue
        old, new = before.get(path, _ABSENT), after.get(path, _ABSENT)
        if not differences(old, new) and (new.kind != FILE or links[path][0] == links[path][1]):
            kept.append(old)
            continue
        operation = _operation(path, old, new, before, after)
        if operation.verb != ATTRIBUTES and DIRECTORY in (old.kind, new.kind):
            whole = path
        operations.append(operation)
    _check_ways(operations, kept)
    operations += _touched_directories(operations, kept)
    touched = {each.path for each in operations}
    ordered = sorted(_with_links(operations), key=_order)
    return Switch(tuple(ordered), tuple(entry for entry in kept if entry.path and entry.path not in touched))


def _by_path(entries: Sequence[Entry], side: str) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.path in found or entry.kind not in KINDS or entry.path != _normal(entry.path):
            raise _contradiction(side, entry.path, "is there twice, is no absolute normal path, or of no known kind")
        found[entry.path] = entry
    for path, entry in found.items():
        parent = found.get(os.path.dirname(path))
        # A link may be a way to other paths of the set.
        if entry.kind != ABSENT and parent is not None and parent.kind not in (DIRECTORY, SYMLINK):
            raise _contradiction(side, path, f"lies in {shown(parent.path)}, which is no directory there")
    return found


def _normal(path: str) -> str:
    return os.path.normpath(path) if path.startswith("/") and path != "/" and not path.startswith("//") else ""


def _contradiction(side: str, path: str, what: str) -> IncidentError:
    return IncidentError(
        f"The {side} state of the set contradicts itself: {shown(path)} {what}.", "Take another generation of the set."
    )


def _by_component(path: str) -> list[str]:
    return path.split("/")


def _names(entries: _Set) -> dict[str, frozenset[str]]:
    """Path of a file → all names of that file within the set."""
    groups: dict[int, set[str]] = {}
    for path, entry in entries.items():
        if entry.kind == FILE and entry.link:
            groups.setdefault(entry.link, set()).add(path)
    names = {path: frozenset((path,)) for path, entry in entries.items() if entry.kind == FILE}
    names.update({path: frozenset(group) for group in groups.values() for path in group})
    return names


def _operation(path: str, old: Entry, new: Entry, before: _Set, after: _Set) -> Operation:
    old = old if old.path else Entry(path, ABSENT)
    new = new if new.path else Entry(path, ABSENT)
    if old.kind == new.kind == DIRECTORY:
        return Operation(ATTRIBUTES, path, old, new)
    verb = {ABSENT: REMOVE, DIRECTORY: MAKE}.get(new.kind, PUT)
    gone = tuple(_below(path, before)) if old.kind == DIRECTORY else ()
    come = tuple(_below(path, after)) if new.kind == DIRECTORY else ()
    return Operation(verb, path, old, new, gone, come)


def _below(path: str, entries: _Set) -> Iterator[Entry]:
    for each in sorted(entries, key=_by_component):
        if each.startswith(f"{path}/") and entries[each].kind != ABSENT:
            yield entries[each]


def _check_ways(operations: Sequence[Operation], kept: Sequence[Entry]) -> None:
    """A link that is switched cannot be the way to another path of the set: which of its two ends is meant?"""
    links = [each.path for each in operations if SYMLINK in (each.before.kind, each.after.kind)]
    for path in [*(each.path for each in operations), *(entry.path for entry in kept)]:
        way = next((link for link in links if path.startswith(f"{link}/")), None)
        if way is not None:
            raise IncidentError(
                f"{shown(path)} is reached through the symbolic link {shown(way)}, which is switched as well.",
                "Declare the file by the path that the link leads to, or the link in a set of its own.",
            )


def _touched_directories(operations: Sequence[Operation], kept: Sequence[Entry]) -> list[Operation]:
    """Directories of the set that stay as they are: what happens in them changes their times, which are set back."""
    touched = {os.path.dirname(each.path) for each in operations if each.verb != ATTRIBUTES}
    return [
        Operation(ATTRIBUTES, entry.path, entry, entry)
        for entry in kept
        if entry.kind == DIRECTORY and entry.path in touched
    ]


def _with_links(operations: Sequence[Operation]) -> Iterator[Operation]:
    """The first name of a file is put, the others are links to it."""
    seen = {entry.link for each in operations for entry in each.inside_after if entry.kind == FILE}
    for each in operations:
        link = each.after.link if each.after.kind == FILE and each.verb == PUT else 0
        if link and link in seen:
            yield Operation(LINK, each.path, each.before, each.after, each.inside_before)
        else:
            yield each
        seen.add(link)


def _order(operation: Operation) -> tuple[int, list[int], list[str]]:
    """Deepest first where directories are emptied or finished."""
    deep = operation.verb in (REMOVE, ATTRIBUTES)
    return (
        VERBS.index(operation.verb),
        [-operation.path.count("/")] if deep else [0],
        _by_component(operation.path),
    )
