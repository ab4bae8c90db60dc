# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a store may go: old generations that nobody holds on to, and contents that none needs any more."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.codec import Corrupt
from ansible_collections.toombos.incident.plugins.module_utils._generations.objects import UNFINISHED, Objects
from ansible_collections.toombos.incident.plugins.module_utils._generations.records import Records
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Generation

_PROVEN = 2  # proven generations that stay in any case
_DAY = 86400.0


@dataclass(frozen=True)
class Policy:
    """See ``Store.prune``. ``now``: seconds since 1970."""

    keep: int
    keep_days: float
    held: frozenset[str]
    now: float


@dataclass(frozen=True)
class Pruned:
    """``generations``: ids; ``contents``: how many; ``size``: bytes that they took."""

    generations: tuple[str, ...] = ()
    contents: int = 0
    size: int = 0


def surplus(generations: Sequence[Generation], policy: Policy) -> tuple[Generation, ...]:
    """Those of one set that may go, oldest first. Pure."""
    ordered = sorted(generations, key=lambda each: (each.created, each.number), reverse=True)
    proven = [each for each in ordered if each.proof is not None][:_PROVEN]
    stay = {each.number for each in (*ordered[: max(1, policy.keep)], *proven)}
    stay.add(max((each.number for each in ordered), default=0))  # numbers never come again
    return tuple(
        each
        for each in reversed(ordered)
        if each.number not in stay
        and not each.labels
        and each.id not in policy.held
        and each.created < policy.now - policy.keep_days * _DAY
    )


def prune(objects: Objects, sets: Sequence[Records], policy: Policy) -> Pruned:
    """Raises IncidentError and OSError. Killed at any point, it leaves contents that nobody needs, and no more."""
    going: list[tuple[Records, Generation]] = []
    needed: set[str] = set()
    for records in sets:
        gone = surplus(_read(records), policy)
        going += [(records, each) for each in gone]
        numbers = {each.number for each in gone}
        for number in records.numbers():
            if number not in numbers:
                needed |= records.references(number)
    for records, generation in going:
        records.remove(generation.number)
    for records in sets:
        _sweep(records)
    contents, size = _remove(objects, needed)
    return Pruned(tuple(each.id for _records, each in going), contents, size)


def _read(records: Records) -> list[Generation]:
    """With labels and proofs. What is damaged might be what holds on to something: then nothing goes."""
    try:
        labels = records.labels()
        return [
            replace(
                records.read(number),
                labels=tuple(label for label, at in labels.items() if at == number),
                proof=records.proof(number),
            )
            for number in records.numbers()
        ]
    except Corrupt as error:
        raise IncidentError(
            f"Nothing is pruned: {error.short}.", "Move what is damaged out of the store first (do not delete it)."
        ) from error


def _sweep(records: Records) -> None:
    """What a killed writer has left unfinished. Nobody else writes at this moment."""
    for name in records.files():
        if name.startswith("."):
            os.unlink(os.path.join(records.directory, name))


def _remove(objects: Objects, needed: set[str]) -> tuple[int, int]:
    count = size = 0
    found = list(objects.names())
    for folder, name in found:
        path = os.path.join(objects.directory, folder, name)
        if folder and name.startswith(UNFINISHED):
            os.unlink(path)
        elif folder and name[:2] == folder and name not in needed:
            size += os.lstat(path).st_blocks * 512
            os.unlink(path)
            count += 1
    for folder in {folder for folder, _name in found if folder}:
        with contextlib.suppress(OSError):  # not empty
            os.rmdir(os.path.join(objects.directory, folder))
    return count, size
