# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the directories that a switch works in can be trusted, and can be changed."""

from __future__ import annotations

import os
import stat
from typing import Collection, Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._rollback import kernel
from ansible_collections.toombos.incident.plugins.module_utils._rollback.attributes import ACCESS_ACL, read_xattrs
from ansible_collections.toombos.incident.plugins.module_utils._rollback.places import opened
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Objection, Operation


def objections_to(path: str, operations: Sequence[Operation], trusted: Collection[int]) -> Iterator[Objection]:
    """``path``: of the directory, resolved; ``operations``: what is done in it, or to itself.

    ``trusted``: numbers of users who may change directories on the way, besides root and the owners of the files.
    """
    about = operations[0].path
    try:
        with opened(path) as directory:
            yield from _cannot_be_changed(directory, path, about)
    except (FileNotFoundError, NotADirectoryError):
        yield Objection(
            about,
            f"The directory of {about} is not there.",
            f"Make it, with its owner and mode, and run again: mkdir '{os.path.dirname(about)}'",
        )
        return
    except OSError as error:
        yield Objection(about, f"{path} cannot be entered: {kernel.reason_of(error)}.", "Run with become: true.")
        return
    yield from _others(path, operations, trusted)


def _cannot_be_changed(directory: int, path: str, about: str) -> Iterator[Objection]:
    if kernel.is_read_only(directory):
        yield Objection(about, f"{path} is mounted read-only.", "See why (dmesg), then remount it with rw.")
        return
    flag = kernel.flags_word(directory, ".")
    if flag:
        attribute = "i" if flag == "immutable" else "a"
        yield Objection(
            about, f"The directory {path} is {flag}.", f"Somebody meant to keep it: chattr -{attribute} '{path}'"
        )
    elif not os.access(".", os.W_OK | os.X_OK, dir_fd=directory, effective_ids=True):
        yield Objection(about, f"This user may not write to {path}.", "Run with become: true.")


def _others(path: str, operations: Sequence[Operation], trusted: Collection[int]) -> Iterator[Objection]:
    """Who could swap a part of the path under our hands: only the owners of the files themselves may be able to."""
    entries = [entry for each in operations for entry in (each.before, each.after) if entry.kind != "absent"]
    users = {0, os.geteuid(), *trusted, *(entry.uid for entry in entries)}
    groups = {0, *(entry.gid for entry in entries)}
    parts = path.strip("/").split("/")
    for count in range(len(parts) + 1):
        part = "/" + "/".join(parts[:count])
        who = _stranger(part, users, groups)
        if who:
            yield Objection(
                operations[0].path,
                f"{part}, on the way to {operations[0].path}, can be changed by {who}: "
                "they could have the switch write elsewhere.",
                "Take that right away from them, or give them the files.",
            )
            return


def _stranger(path: str, users: set[int], groups: set[int]) -> str:
    with opened(path) as directory:
        status = os.fstat(directory)
        acl = (read_xattrs(directory) or {}).get(ACCESS_ACL, b"") if status.st_mode & stat.S_IWGRP else b""
    if status.st_uid not in users:
        return f"user {status.st_uid}, who owns it"
    if status.st_mode & stat.S_ISVTX:
        return ""
    if status.st_mode & stat.S_IWOTH:
        return "everybody"
    named_users, named_groups = kernel.acl_writers(acl) if acl else (set(), {-1})
    if named_users - users:
        return f"user {min(named_users - users)}, by an ACL"
    wrong = {status.st_gid if group == -1 else group for group in named_groups} - groups
    return f"group {min(wrong)}" if wrong and status.st_mode & stat.S_IWGRP else ""
