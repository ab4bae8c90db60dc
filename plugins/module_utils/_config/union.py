# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sets of several services as one: what is switched together. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Declaration, Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.candidates import matches


def covers(declared: Declaration, path: str) -> bool:
    """Whether the path belongs to what is declared, be it there or not."""
    below = any(path == tree or path.startswith(f"{tree}/") for tree in declared.trees)
    return below or path in declared.files or any(matches(path, pattern) for pattern in declared.globs)


def alike(one: Sequence[Entry], other: Sequence[Entry]) -> bool:
    """Whether both mean the same, whatever the time at which files were written."""
    return [replace(entry, mtime_ns=0) for entry in one] == [replace(entry, mtime_ns=0) for entry in other]


def union(sets: Mapping[str, Sequence[Entry]]) -> tuple[Entry, ...]:
    """Service → entries, as one set. A path in several of them must be the same in all. Raises IncidentError."""
    found: dict[str, Entry] = {}
    owners: dict[str, str] = {}
    for number, (name, entries) in enumerate(sets.items()):
        for entry in entries:
            # Numbers of hard links count within a set.
            placed = replace(entry, link=entry.link * len(sets) + number) if entry.link else entry
            other = found.setdefault(entry.path, placed)
            if replace(other, link=0) != replace(placed, link=0):
                raise IncidentError(
                    f"{entry.path} belongs to {owners[entry.path]} and to {name}, and would be two things.",
                    "Roll them back one after the other, or to generations of the same time.",
                )
            owners.setdefault(entry.path, name)
    return tuple(found[path] for path in sorted(found))
