# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at logs, at who writes them, and at their copies in backups. Nothing is changed."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass, replace
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._log_restore import names
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.access import (
    Policy,
    check,
    for_log,
    for_new,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.backups import Backup
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.compare import begins_with, text
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.content import inspect
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.copies import choose_copy
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import (
    Unsafe,
    access,
    identity,
    open_file,
    opened,
    room,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.relation import relate
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import (
    MISSING,
    UNKNOWN,
    Access,
    Condition,
    Found,
    FoundHeld,
    Held,
    Identity,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.writers import Writers
from ansible_collections.toombos.incident.plugins.module_utils._logs.source import packing


@dataclass(frozen=True)
class Ask:
    """What is the same for all logs. ``ambiguous``: names that logs of several directories have."""

    backups: Sequence[Backup]
    useless: Sequence[str]
    policy: Policy
    ambiguous: frozenset[str] = frozenset()


def observe_log(path: str, ask: Ask, writers: Writers) -> Found:
    """One log, with the newest whole copy of it. Never raises for what is wrong with it: that is its ``problem``."""
    folder, name = os.path.split(path)
    found = Found(path, UNKNOWN, packed=packing(path))
    try:
        with opened(folder) as directory:
            return _look(found, directory, name, ask, writers)
    except FileNotFoundError:
        return replace(
            found,
            state=MISSING,
            problem=f"missing, and so is {folder}",
            way_out="Make the directory, with its owner and mode, and run again.",
        )
    except Unsafe as error:
        return replace(found, problem=error.message.rstrip("."), way_out=error.way_out)
    except OSError as error:
        return replace(found, problem=f"cannot be read: {error.strerror or error}", way_out="Mend that and run again.")


def _look(found: Found, directory: int, name: str, ask: Ask, writers: Writers) -> Found:
    condition, who, own = _condition(directory, name, found.path, found.packed)
    taken = tuple(sorted(os.listdir(directory)))
    found = replace(
        found,
        state=MISSING if condition is None else condition.state,
        condition=condition,
        identity=who,
        writers=writers.by_inode.get(who.inode, ()) if who else (),
        own=own,
        wanted=for_log(ask.policy, own) if own else None,
        room=room(directory),
        taken=taken,
    )
    if found.wanted not in (None, own) and found.wanted is not None:
        check(found.wanted, found.path)
        if os.stat(name, dir_fd=directory, follow_symlinks=False).st_nlink > 1:
            raise Unsafe(f"{found.path} has another name, too (a hard link).", "Look at what it is.")
    if name in ask.ambiguous:
        raise Unsafe(
            f"logs of several directories are called {name}, and a backup has one of them.",
            "Restore them one by one, with paths and backups.",
        )
    copy, passed = choose_copy(name, found.packed, ask.backups)
    found = replace(found, copy=copy, passed=(*ask.useless, *passed))
    if copy is None:
        return found
    new = for_new(ask.policy, own, _siblings(directory, name, taken), access(os.fstat(directory)), copy.access)
    relation = relate(directory, found, copy, _held_of(found.path, writers))
    if not (relation.has_copy or relation.elsewhere):
        check(new, found.path)
    return replace(found, relation=relation, access=new)


def _condition(
    directory: int, name: str, shown: str, packed: str
) -> tuple[Condition | None, Identity | None, Access | None]:
    try:
        descriptor = open_file(directory, name, shown)
    except FileNotFoundError:
        return None, None, None
    try:
        status = os.fstat(descriptor)
        return inspect(descriptor, status.st_size, packed), identity(status), access(status)
    finally:
        os.close(descriptor)


def _siblings(directory: int, name: str, taken: Sequence[str]) -> list[Access]:
    """Of the other logs of the directory."""
    found = []
    for other in taken:
        if other == name or names.is_ours(other) or not other.endswith(".log"):
            continue
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(other, dir_fd=directory, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                found.append(access(status))
    return found


def _held_of(path: str, writers: Writers) -> list[tuple[str, Held]]:
    """Deleted files of this log, by the names that they get."""
    name = os.path.basename(path)
    return [(names.recovered(name, held.identity.inode[1]), held) for gone, held in writers.held if gone == path]


def observe_held(path: str, held: Held, policy: Policy) -> FoundHeld:
    """A deleted file that is still written, and how far it is saved. Never raises for what is wrong with it."""
    folder, name = os.path.split(path)
    name = names.recovered(name, held.identity.inode[1])
    wanted = for_new(policy, held.access, (), held.access, held.access)
    found = FoundHeld(path, name, held, wanted)
    problem = way_out = ""
    try:
        check(wanted, os.path.join(folder, name))
        with opened(folder) as directory:
            return replace(found, saved=_saved(directory, name, held), room=room(directory))
    except FileNotFoundError:
        problem, way_out = f"its directory {folder} is missing", "Make it, with its owner and mode, and run again."
    except Unsafe as error:
        problem, way_out = error.message.rstrip("."), error.way_out
    except OSError as error:
        problem, way_out = f"it cannot be read: {error.strerror or error}", "Mend that and run again."
    return replace(found, problem=problem, way_out=f"{way_out} Do not restart pid {held.pid} before.")


def _saved(directory: int, name: str, held: Held) -> int:
    """How many bytes of it are saved, -1: the file of that name is another one."""
    with open(held.source, "rb", buffering=0) as deleted:
        try:
            descriptor = open_file(directory, name, name)
        except FileNotFoundError:
            return 0
        try:
            size = os.fstat(descriptor).st_size
            same = size <= held.identity.size and begins_with(
                text(deleted.fileno(), size, ""), text(descriptor, size, "")
            )
        finally:
            os.close(descriptor)
    return size if same else -1
