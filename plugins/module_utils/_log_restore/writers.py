# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has a log open for writing, and which deleted files are still being written: read from /proc."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from dataclasses import dataclass
from typing import Callable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import access, identity
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import Held, Inode
from ansible_collections.toombos.incident.plugins.module_utils._process.table import list_pids

_GONE = " (deleted)"
_FLAGS = re.compile(r"^flags:\s*([0-7]+)", re.MULTILINE)


@dataclass(frozen=True)
class Writers:
    """``by_inode``: ``pid 17 (python)`` of each process that has it open for writing.

    ``held``: path → the file of that name that is deleted and still written. ``blind``: how many processes could not be
    looked at.
    """

    by_inode: dict[Inode, tuple[str, ...]]
    held: tuple[tuple[str, Held], ...]
    blind: int = 0


def find_writers(inodes: set[Inode], is_log: Callable[[str], bool], proc: str = "/proc") -> Writers:
    """Look through all processes. ``is_log``: whether a path that does not exist any more was one of a log."""
    found: dict[Inode, list[str]] = {}
    held: dict[Inode, tuple[str, Held]] = {}
    blind = 0
    for pid in list_pids(proc):
        base = f"{proc}/{pid}/fd"
        try:
            numbers = os.listdir(base)
        except PermissionError:
            blind += 1
            continue
        except OSError:
            continue  # it has ended
        for place, status in _regular(base, numbers):
            inode = (status.st_dev, status.st_ino)
            if inode in inodes:
                if _writes(place):
                    found.setdefault(inode, []).append(_word(proc, pid))
            elif not status.st_nlink and inode not in held:
                path = _deleted(place, pid, proc)
                if path and is_log(path) and _writes(place):
                    held[inode] = (path, Held(place, pid, _program(proc, pid), identity(status), access(status)))
    return Writers({inode: tuple(dict.fromkeys(words)) for inode, words in found.items()}, tuple(held.values()), blind)


def _regular(base: str, numbers: list[str]) -> Iterator[tuple[str, os.stat_result]]:
    for number in numbers:
        place = f"{base}/{number}"
        with contextlib.suppress(OSError):  # closed meanwhile
            status = os.stat(place)
            if stat.S_ISREG(status.st_mode):
                yield place, status


def _writes(place: str) -> bool:
    try:
        with open(place.replace("/fd/", "/fdinfo/"), encoding="ascii", errors="replace") as file:
            found = _FLAGS.search(file.read())
    except OSError:
        return True  # better one too many
    return found is None or bool(int(found[1], 8) & os.O_ACCMODE)


def _deleted(place: str, pid: int, proc: str) -> str:
    """The path that it had, where that means the same here: a container may have another file of this name."""
    try:
        text = os.readlink(place)
        if os.stat(f"{proc}/{pid}/ns/mnt").st_ino != os.stat(f"{proc}/self/ns/mnt").st_ino:
            return ""
    except OSError:
        return ""
    return text[: -len(_GONE)] if text.endswith(_GONE) else ""


def _program(proc: str, pid: int) -> str:
    try:
        with open(f"{proc}/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "?"


def _word(proc: str, pid: int) -> str:
    return f"pid {pid} ({_program(proc, pid)})"
