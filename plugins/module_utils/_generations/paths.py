# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths a declared set has at the moment: names only, nothing is read and no link is followed."""

from __future__ import annotations

import fnmatch
import os
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Declaration

_WILD = "*?["


def paths_of(declared: Declaration) -> tuple[str, ...]:
    """Its paths in order, single files whether they are there or not; of trees the directories, too.

    A directory that cannot be listed is in it, what is below is not: who reads it finds out.
    """
    found = set(declared.files)
    for pattern in declared.globs:
        found.update(_matching("/", pattern.strip("/").split("/")))
    for tree in declared.trees:
        found.update(_below(tree))
    return tuple(sorted(found))


def _matching(folder: str, parts: list[str]) -> Iterator[str]:
    """As a shell would: a wildcard never stands for the dot at the beginning of a name."""
    first, rest = parts[0], parts[1:]
    if any(sign in first for sign in _WILD):
        names = [
            name
            for name in _names(folder)
            if fnmatch.fnmatchcase(name, first) and (first.startswith(".") or not name.startswith("."))
        ]
    else:
        names = [first]
    for name in names:
        path = os.path.join(folder, name)
        if rest:
            yield from _matching(path, rest)
        elif os.path.lexists(path):
            yield path


def _below(path: str) -> Iterator[str]:
    yield path
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        if os.path.islink(folder) or not os.path.isdir(folder):
            continue
        for name in _names(folder):
            inner = os.path.join(folder, name)
            yield inner
            waiting.append(inner)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
