# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what with a file, to say whether a moment between two states gave somebody more than both."""

from __future__ import annotations

import base64
import json
import os
import stat
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from switching import World

from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry

ACCESS = "system.posix_acl_access"
STRANGER = 1234
_NOBODY = 0xFFFFFFFF
_USER, _GROUP_OBJ, _GROUP, _MASK = 2, 4, 8, 16


def acl(user: int, group: int, other: int) -> bytes:
    """One that lets a stranger do ``user``; the mask is of both."""
    entries = ((1, 7, _NOBODY), (_USER, user, STRANGER), (_GROUP_OBJ, group, _NOBODY), (_MASK, user | group, _NOBODY))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in (*entries, (32, other, _NOBODY)))


def rights(mode: int, uid: int, gid: int, access: bytes) -> set[tuple[str, int, int]]:
    """(kind of subject, its number, one bit of a right); root needs none."""
    found = {("other", 0, mode & 7), ("setuid", uid, mode & stat.S_ISUID), ("setgid", gid, mode & stat.S_ISGID)}
    found.add(("user", uid, mode >> 6 & 7))
    if access:
        entries = [struct.unpack_from("<HHI", access, at) for at in range(4, len(access), 8)]
        mask = next((bits for tag, bits, _who in entries if tag == _MASK), 7)
        for tag, bits, who in entries:
            if tag in (_USER, _GROUP, _GROUP_OBJ):
                subject = {_USER: ("user", who), _GROUP: ("group", who), _GROUP_OBJ: ("group", gid)}[tag]
                found.add((*subject, bits & mask))
    else:
        found.add(("group", gid, mode >> 3 & 7))
    return {
        (kind, who, 1 << bit)
        for kind, who, bits in found
        for bit in range(12)
        if bits & 1 << bit and (kind, who) != ("user", 0)
    }


class Allowed:
    """What the two states of a set allow on each path."""

    def __init__(self, world: World, *states: Sequence[Entry]) -> None:
        self._world = world
        self._of: dict[str, list[set[tuple[str, int, int]]]] = {}
        for entry in (entry for state in states for entry in state if entry.kind in ("file", "directory")):
            access = base64.b64decode((entry.xattrs or {}).get(ACCESS, ""))
            self._of.setdefault(entry.path, []).append(rights(entry.mode, entry.uid, entry.gid, access))

    def check(self, when: str) -> None:
        """Every file and directory there is, staged ones too, is at most as open as its path in one of the states."""
        names = dict(self._staged())
        for path in (self._world.set, *self._world.set.rglob("*")):
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                continue
            access = os.getxattr(path, ACCESS) if ACCESS in os.listxattr(path) else b""
            now = rights(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, access)
            meant = str(path)
            for name, real in names.items():
                if meant == name or meant.startswith(f"{name}/"):
                    meant = real + meant[len(name) :]
            assert any(now <= each for each in self._of[meant]), f"{when}: {path}, {oct(status.st_mode)}: {now}"

    def _staged(self) -> Iterator[tuple[str, str]]:
        journal: Path = self._world.journal / "switch.json"
        if journal.exists():
            for step in json.loads(journal.read_text())["record"]["steps"]:
                for name in (step["staged"], step["aside"]):
                    if name:
                        yield os.path.join(step["parent"], name), step["path"]
