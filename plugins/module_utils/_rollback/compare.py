# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When two entries mean the same, but for the numbers that only count within one reading."""

from __future__ import annotations

from typing import Mapping

from ansible_collections.toombos.incident.plugins.module_utils._generations.types import (
    ABSENT,
    DIRECTORY,
    FILE,
    SYMLINK,
    Entry,
)

CAPABILITY = "security.capability"
_COMMON = ("uid", "gid", "mtime_ns")
_COMPARED = {
    FILE: ("mode", *_COMMON, "size", "sha256"),
    DIRECTORY: ("mode", *_COMMON),
    SYMLINK: (*_COMMON, "target"),
    ABSENT: (),
}
_WORDS = {
    "mode": "mode",
    "uid": "owner",
    "gid": "group",
    "mtime_ns": "time",
    "size": "size",
    "sha256": "content",
    "target": "target",
}


def is_label(name: str) -> bool:
    """Whether the kernel gives it to files by itself (SELinux, IMA): where a set does not know it, it stays."""
    return name.startswith("security.") and name != CAPABILITY


def same_xattrs(current: Mapping[str, str] | None, target: Mapping[str, str] | None) -> bool:
    """None on the side of the target: it says nothing about them."""
    if target is None:
        return True
    return {n: v for n, v in (current or {}).items() if n in target or not is_label(n)} == dict(target)


def differences(current: Entry, target: Entry) -> list[str]:
    """Words for what differs: kind, mode, owner, group, time, size, content, target, extended attributes."""
    if current.kind != target.kind:
        return ["kind"]
    found = [_WORDS[name] for name in _COMPARED[current.kind] if getattr(current, name) != getattr(target, name)]
    if current.kind != ABSENT and not same_xattrs(current.xattrs, target.xattrs):
        found.append("extended attributes")
    return found
