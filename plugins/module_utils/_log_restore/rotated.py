# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rotation has made of a log: damaged ones, and those that are missing from the time that is still kept.

A number in a name is no identity: what a backup has as ``app.log.1`` may be ``app.log.2`` today, and the oldest one was
removed on purpose. So content decides: the beginning that can still be read, or the times of the lines.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import replace
from typing import Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._log_restore.access import for_new
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.backups import Backup
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.compare import begins_with, text
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.content import inspect
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.copies import choose_copy
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.observe import Ask
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import (
    Unsafe,
    access,
    identity,
    opened,
    room,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.relation import reading, relate
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import (
    CORRUPT,
    MISSING,
    WHOLE,
    Condition,
    Copy,
    Found,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.writers import Writers
from ansible_collections.toombos.incident.plugins.module_utils._logs.family import open_family
from ansible_collections.toombos.incident.plugins.module_utils._logs.source import packing

_DATED = re.compile(r"\d{4}-?\d\d-?\d\d")


def observe_rotated(log: Found, ask: Ask, writers: Writers) -> list[Found]:
    """Of one log: those that are not as they should be. Those that are whole are none of them."""
    folder, name = os.path.split(log.path)
    if log.problem or log.packed:
        return []
    try:
        with opened(folder) as directory:
            older = dict(_inspected(directory, log.path, writers))
            found = [_with_copy(directory, each, log.path, ask) for each in older.values() if each.state == CORRUPT]
            used = [each.copy for each in found if each.copy is not None]
            missing = _missing(directory, log, older, ask)
            return found + [each for each in missing if each.copy is None or not _is_among(each.copy, used)]
    except (Unsafe, OSError) as error:
        told = str(getattr(error, "message", error)).rstrip(".")
        return [Found(os.path.join(folder, f"{name}.*"), CORRUPT, problem=told, way_out="Mend that and run again.")]


def _inspected(directory: int, path: str, writers: Writers) -> Iterator[tuple[str, Found]]:
    family = open_family(path, True, False, lambda _source: None)
    taken = tuple(sorted(os.listdir(directory)))
    try:
        for source in family.sources:
            if source.path == path:
                continue
            status = os.fstat(source.descriptor)
            condition = inspect(source.descriptor, status.st_size, source.packed)
            who, own = identity(status), access(status)
            yield (
                os.path.basename(source.path),
                Found(
                    source.path,
                    condition.state,
                    condition,
                    who,
                    writers.by_inode.get(who.inode, ()),
                    source.packed,
                    own=own,
                    wanted=own,
                    room=room(directory),
                    taken=taken,
                ),
            )
    finally:
        for source in family.sources:
            os.close(source.descriptor)


def _with_copy(directory: int, found: Found, log: str, ask: Ask) -> Found:
    """With the copy that begins as the damaged one does, under whatever number."""
    for backup in ask.backups:
        for name in _names(backup, os.path.basename(log)):
            if packing(name) != found.packed:
                continue
            copy, _passed = choose_copy(name, found.packed, [backup])
            if copy is None:
                continue
            relation = relate(directory, found, copy, family=log)
            if relation.has_copy or (relation.in_copy and found.condition is not None and found.condition.intact):
                new = for_new(ask.policy, found.own, (), access(os.fstat(directory)), copy.access)
                return replace(found, copy=copy, relation=relation, access=new)
    return found


def _missing(directory: int, log: Found, older: dict[str, Found], ask: Ask) -> Iterator[Found]:
    begins = [each.condition.first for each in older.values() if each.condition and each.condition.first is not None]
    everything = not older and log.state == MISSING
    if not begins and not everything:
        return
    oldest = min(begins, default=float("-inf"))
    for backup in ask.backups:
        names = _names(backup, os.path.basename(log.path))
        for name in names:
            if name in log.taken and _DATED.search(name):
                continue
            copy, _passed = choose_copy(name, packing(name), [backup])
            if copy is not None and _is_kept(copy.condition, oldest):
                yield from _lacking(directory, log, copy, ask)
        if names:
            return


def _is_among(copy: Copy, used: Sequence[Copy]) -> bool:
    """Whether the lines come back with another one: it may be packed otherwise in another backup."""
    for other in used:
        with reading(copy) as mine, reading(other) as others:
            whole = text(others, other.identity.size, other.packed)
            if begins_with(whole, text(mine, copy.identity.size, copy.packed)):
                return True
    return False


def _is_kept(condition: Condition, oldest: float) -> bool:
    """Whether rotation keeps what is so old."""
    return condition.state == WHOLE and condition.first is not None and condition.first >= oldest


def _lacking(directory: int, log: Found, copy: Copy, ask: Ask) -> Iterator[Found]:
    name = os.path.basename(copy.path)
    found = Found(
        os.path.join(os.path.dirname(log.path), name),
        MISSING,
        packed=copy.packed,
        copy=copy,
        access=for_new(ask.policy, log.own, (), access(os.fstat(directory)), copy.access),
        room=room(directory),
        taken=log.taken,
        shifts=not _DATED.search(name),
    )
    relation = relate(directory, found, copy, family=log.path)
    if not relation.elsewhere and not relation.unread:
        yield replace(found, relation=relation)


def _names(backup: Backup, log: str) -> Sequence[str]:
    """What the backup has of the log but for the log itself."""
    with contextlib.suppress(OSError):
        family = open_family(os.path.join(backup.path, log), True, False, lambda _source: None)
        for source in family.sources:
            os.close(source.descriptor)
        return [os.path.basename(source.path) for source in family.sources if os.path.basename(source.path) != log]
    return []
