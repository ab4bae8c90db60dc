# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where paths lead, found out once: whoever checks, stages and renames must mean the same directory.

A symbolic link on the way is followed where nobody but root can change it, or where it leads to a directory of the very
user who can: else that user could have root write into a directory of root.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._rollback.places import opened

_LINKS = 40  # as many as the kernel follows
_STEP = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_ANYBODY = -1


@dataclass(frozen=True)
class Way:
    """A directory without links on the way. ``inode`` 0: it is not there; ``led_by``: who could lead it elsewhere."""

    path: str
    inode: int = 0
    led_by: str = ""


class Ways:
    """Remembers every directory that it was asked for."""

    def __init__(self) -> None:
        self._known: dict[str, Way] = {}

    def of(self, path: str) -> Way:
        """The directory that ``path`` lies in; what cannot be followed stays as it is, so that to open it fails."""
        directory = os.path.dirname(path)
        if directory not in self._known:
            try:
                self._known[directory] = follow(directory)
            except OSError:
                self._known[directory] = Way(directory)
        return self._known[directory]

    def resolve(self, path: str) -> tuple[str, str]:
        """The resolved directory, and the name therein."""
        return self.of(path).path, os.path.basename(path)

    @contextmanager
    def parent(self, path: str) -> Iterator[int]:
        """A descriptor of the directory that ``path`` lies in. Raises OSError, also when another took its place."""
        way = self.of(path)
        with opened(way.path, way.inode) as directory:
            yield directory


def follow(directory: str) -> Way:
    """Step by step, each from a descriptor of the one before. Raises OSError."""
    left, real, links, leaders = directory.split("/"), [""], 0, set()
    here = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:
        while left:
            part = left.pop(0)
            if part in ("", "."):
                continue
            deeper = os.open(part, _STEP, dir_fd=here)
            status = os.fstat(deeper)
            if stat.S_ISLNK(status.st_mode):
                links += 1
                if links > _LINKS:
                    os.close(deeper)
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), directory)
                leaders |= _who_leads(os.fstat(here), status)
                target = os.readlink("", dir_fd=deeper)
                os.close(deeper)
                left = target.split("/") + left
                if not target.startswith("/"):
                    continue
                deeper, real, part = os.open("/", os.O_PATH | os.O_CLOEXEC), [], ""
            os.close(here)
            here = deeper
            real = (real[:-1] or [""]) if part == ".." else [*real, part]
        status = os.fstat(here)
    finally:
        os.close(here)
    path = "/".join(real) or "/"
    stranger = leaders - {status.st_uid}
    who = "" if not stranger else "everybody" if _ANYBODY in stranger else f"user {min(stranger)}"
    return Way(path, status.st_ino, who)


def _who_leads(directory: os.stat_result, link: os.stat_result) -> set[int]:
    """Who could have a link lead elsewhere, besides root and ourselves."""
    leaders = {directory.st_uid, link.st_uid} - {0, os.geteuid()}
    if directory.st_mode & 0o022 and not directory.st_mode & stat.S_ISVTX:
        leaders.add(_ANYBODY)
    return leaders
