# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of log recovery: what was found of each log, what is to be done, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

# States of a log.
MISSING, EMPTY, CORRUPT, WHOLE, DELETED, UNKNOWN = "missing", "empty", "corrupt", "whole", "deleted", "unknown"
# What is done with it.
RESTORE, MERGE_BEFORE, RECOVER_DELETED, PERMIT, KEEP, REFUSE = (
    "restore",
    "merge_before",
    "recover_deleted",
    "permit",
    "keep",
    "refuse",
)

# How a step changes the directory. Where content changes, a new file is written beside the log first.
PLACE = "place"  # the new file gets a name that is free
EXCHANGE = "exchange"  # it takes the place of the log, which stays under another name
PREPEND = "prepend"  # the same; the new file ends with the lines that the log has
EXTEND = "extend"  # what has been added to a deleted file since it was saved
GRANT = "grant"  # nothing but owner and mode of the log

# Device and number of a file, which it keeps under every name.
Inode = Tuple[int, int]


class Changed(IncidentError):
    """What was found is not there any more; nothing was changed for this log."""


@dataclass(frozen=True)
class Identity:
    """A file as it was looked at. ``written`` in ns since the epoch."""

    inode: Inode
    size: int
    written: int


@dataclass(frozen=True)
class Condition:
    """What is in a file. Moments in seconds since the epoch, None: no line says so.

    ``intact``: bytes of it before the first damage, all of them where it is whole. ``more``: behind the damage there
    are lines, too. ``ended``: its last line has an end. ``sha256``: of the bytes of the file, compressed or not.
    """

    state: str
    why: str
    size: int
    intact: int
    sha256: str
    more: bool = False
    ended: bool = True
    first: float | None = None
    newest: float | None = None


@dataclass(frozen=True)
class Access:
    """Who a file belongs to, and its mode (bits)."""

    uid: int
    gid: int
    mode: int


@dataclass(frozen=True)
class Copy:
    """A copy of a log in a backup, read to its end. ``day``: YYYYMMDD of the backup."""

    path: str
    day: str
    identity: Identity
    condition: Condition
    access: Access
    packed: str = ""


@dataclass(frozen=True)
class Held:
    """A file that was deleted, but that a process still writes to: it can be read at ``source`` until that ends."""

    source: str
    pid: int
    program: str
    identity: Identity
    access: Access


@dataclass(frozen=True)
class Relation:
    """How a log and the copy of it compare.

    ``has_copy``: it begins with all of the copy. ``in_copy``: the copy begins with all that can be read of it.
    ``elsewhere``: another file of this log that begins with all of the copy. ``unread``: one that may, but that cannot
    be unpacked.
    """

    has_copy: bool = False
    in_copy: bool = False
    elsewhere: str = ""
    unread: str = ""


@dataclass(frozen=True)
class Found:
    """A log as it was found. ``problem``: why nothing may be done for it, ``way_out`` what to do about that.

    ``shifts``: rotation gives other files this name. ``writers``: processes that have it open for writing, as words.
    ``passed``: why newer backups are of no use. ``access``: what a new file beside it gets, ``own``: what the log has,
    ``wanted``: what it should have. ``room``: bytes that may be used. ``taken``: names in its directory.
    """

    path: str
    state: str
    condition: Condition | None = None
    identity: Identity | None = None
    writers: tuple[str, ...] = ()
    packed: str = ""
    copy: Copy | None = None
    relation: Relation = Relation()
    passed: tuple[str, ...] = ()
    access: Access | None = None
    own: Access | None = None
    wanted: Access | None = None
    room: int = 0
    taken: tuple[str, ...] = ()
    shifts: bool = False
    problem: str = ""
    way_out: str = ""


@dataclass(frozen=True)
class FoundHeld:
    """A deleted file, and how far it is saved already: ``saved`` bytes in ``name``; -1: that holds something else."""

    path: str
    name: str
    held: Held
    access: Access
    saved: int = 0
    room: int = 0
    problem: str = ""
    way_out: str = ""


@dataclass(frozen=True)
class Step:
    """What is to be done for one log. ``how`` is empty where nothing is.

    ``target``: the name that the new file gets. ``aside``: the name under which what is replaced stays.
    ``source``, ``expected`` and ``digest``: what is copied; ``skip``: bytes of it that are there already.
    ``log``: the log as it was found.
    """

    path: str
    state: str
    action: str
    reason: str
    way_out: str = ""
    how: str = ""
    source: str = ""
    target: str = ""
    aside: str = ""
    count: int = 0
    skip: int = 0
    expected: Identity | None = None
    digest: str = ""
    log: Identity | None = None
    access: Access | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a step. ``action`` is ``refuse`` where it could not be done; then nothing was changed."""

    step: Step
    action: str
    reason: str
    changed: bool = False
    sha256: str = ""
