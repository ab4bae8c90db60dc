# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the disks have room for everything new beside everything old."""

from __future__ import annotations

import os
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._generations.types import ABSENT, FILE, Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.places import opened
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import ATTRIBUTES, Objection, Switch
from ansible_collections.toombos.incident.plugins.module_utils._rollback.ways import Ways

_PER_ENTRY = 2048  # bytes of the journal, of which there are two at a time
_RESERVED_INODES = 16


class _Need:
    """Of one file system."""

    def __init__(self, path: str) -> None:
        with opened(path) as directory:
            disk = os.statvfs(directory)
        self.path = path
        self.free = disk.f_bavail * disk.f_frsize
        self.block = disk.f_frsize or 4096
        self.free_inodes = disk.f_favail if disk.f_files else None  # some file systems do not count them
        self.bytes = 0
        self.inodes = 0

    def add(self, size: int) -> None:
        self.bytes += -(-size // self.block) * self.block
        self.inodes += 1


def objections_to_room(switch: Switch, reserve: int, journal: str, ways: Ways) -> Iterator[Objection]:
    """Bytes and inodes of each file system. Old and new are there at the same time until all is switched."""
    needs: dict[int, _Need] = {}
    linked: set[int] = set()
    for operation in switch.operations:
        if operation.verb == ATTRIBUTES:
            continue
        parent = ways.resolve(operation.path)[0]
        need = needs.setdefault(os.stat(parent).st_dev, _Need(parent))
        for entry in (operation.after, *operation.inside_after):
            if entry.kind != ABSENT and entry.link not in linked:
                need.add(_size(entry))
            if entry.link:
                linked.add(entry.link)
    journal = os.path.realpath(journal)
    home = needs.setdefault(os.stat(journal).st_dev, _Need(journal))
    home.add(2 * _PER_ENTRY * (1 + len(switch.paths)))
    for need in needs.values():
        if need.bytes + reserve > need.free:
            yield Objection(
                need.path,
                f"The disk of {need.path} has {need.free:,} bytes to spare, the switch needs {need.bytes:,} "
                f"and a reserve of {reserve:,}.",
                "Free some space on it and run again.",
            )
        if need.free_inodes is not None and need.inodes + _RESERVED_INODES > need.free_inodes:
            yield Objection(
                need.path,
                f"The disk of {need.path} has room for {need.free_inodes:,} more files, the switch needs "
                f"{need.inodes:,} and a reserve of {_RESERVED_INODES}.",
                "Remove files that nobody needs from it and run again.",
            )


def _size(entry: Entry) -> int:
    xattrs = sum(map(len, (entry.xattrs or {}).values()))
    return (entry.size if entry.kind == FILE else 4096) + xattrs
