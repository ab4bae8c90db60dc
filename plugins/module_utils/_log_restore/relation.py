# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a log and the copy of it compare, and whether another file of this log has the copy's lines already."""

from __future__ import annotations

import contextlib
import os
import re
from typing import Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._log_restore import names
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.compare import begins_with, text
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import (
    Unsafe,
    open_file,
    opened,
    unchanged,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import (
    CORRUPT,
    Copy,
    Found,
    Held,
    Relation,
)
from ansible_collections.toombos.incident.plugins.module_utils._logs.family import open_family

_CANNOT = re.compile(r"\.(?:zst|lz4|Z)\Z")


def relate(
    directory: int, found: Found, copy: Copy, held: Sequence[tuple[str, Held]] = (), family: str = ""
) -> Relation:
    """Compare. ``directory``: the opened one of the log; ``held``: deleted files of it, by the names that they get.

    ``family``: the log of which this one is a rotated one.

    Raises Unsafe, OSError.
    """
    with reading(copy) as descriptor:
        has_copy, in_copy = _compare(directory, found, copy, descriptor)
        if has_copy:
            return Relation(has_copy, in_copy)
        saved = _in_held(held, copy, descriptor)
        elsewhere, unread = (
            (saved, "") if saved else _look_around(directory, found, copy, descriptor, family or found.path)
        )
    return Relation(False, in_copy, elsewhere, unread)


@contextlib.contextmanager
def reading(copy: Copy) -> Iterator[int]:
    """The copy as it was looked at, opened. Raises Unsafe, OSError."""
    with opened(os.path.dirname(copy.path)) as folder:
        descriptor = open_file(folder, os.path.basename(copy.path), copy.path)
    try:
        unchanged(descriptor, copy.identity, copy.path)
        yield descriptor
    finally:
        os.close(descriptor)


def _compare(directory: int, found: Found, copy: Copy, descriptor: int) -> tuple[bool, bool]:
    """Whether the log has all of the copy, and whether the copy has all of the log."""
    live = found.condition
    if live is None:
        return False, False
    # What cannot be unpacked can be compared as it stands.
    packed = "" if live.state == CORRUPT else found.packed
    copied = "" if live.state == CORRUPT and found.packed else copy.packed
    size = copy.identity.size
    log = open_file(directory, os.path.basename(found.path), found.path)
    try:
        has_copy = begins_with(text(log, live.intact, packed), text(descriptor, size, copied))
        in_copy = not live.more and begins_with(text(descriptor, size, copied), text(log, live.intact, packed))
    finally:
        os.close(log)
    return has_copy, in_copy


def _in_held(held: Sequence[tuple[str, Held]], copy: Copy, descriptor: int) -> str:
    for name, deleted in held:
        with contextlib.suppress(OSError), open(deleted.source, "rb", buffering=0) as file:
            start = text(descriptor, copy.identity.size, copy.packed)
            if begins_with(text(file.fileno(), deleted.identity.size, ""), start):
                return name
    return ""


def _look_around(directory: int, found: Found, copy: Copy, descriptor: int, log: str) -> tuple[str, str]:
    """The name of a file that has all of the copy, or else of one that cannot be unpacked here."""
    family = open_family(log, True, False, lambda _source: None)
    others = {source.path: (source.descriptor, source.size, source.packed) for source in family.sources}
    try:
        name = os.path.basename(found.path)
        for other in found.taken:
            if names.of_log(other, name):
                with contextlib.suppress(Unsafe, FileNotFoundError):
                    mine = open_file(directory, other, other)
                    others[other] = (mine, os.fstat(mine).st_size, found.packed)
        for path, (opened_other, size, packed) in others.items():
            if path == found.path:
                continue
            if begins_with(text(opened_other, size, packed), text(descriptor, copy.identity.size, copy.packed)):
                return os.path.basename(path), ""
    finally:
        for opened_other, _size, _packed in others.values():
            os.close(opened_other)
    unread = next((skip.path for skip in family.skipped if _CANNOT.search(skip.path)), "")
    return "", os.path.basename(unread)
