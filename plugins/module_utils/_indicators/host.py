# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host as readers see it: below ``root``, with limits, and never beyond a file system that may not answer."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from dataclasses import dataclass
from typing import Iterator

# Those of other machines, and those that are no files. What is not known here is walked: better late than blind.
_REMOTE = frozenset(
    "9p afs autofs beegfs ceph cifs davfs gfs2 glusterfs lustre ncpfs nfs nfs4 ocfs2 smb3 smbfs".split()
)
_UNREAL = frozenset(
    "binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts efivarfs fusectl hugetlbfs mqueue nsfs proc pstore "
    "rpc_pipefs securityfs selinuxfs sysfs tracefs".split()
)
_OCTAL = re.compile(r"\\([0-7]{3})")
_BLOCK = 1 << 16
LARGEST = 1 << 20  # bytes of a file that is read as text
MOST_ENTRIES = 20_000  # of one directory that is listed


@dataclass(frozen=True)
class Host:
    """``now`` and ``since`` in seconds since the epoch; ``seconds`` that a check may take."""

    root: str = "/"
    now: float = 0.0
    since: float | None = None
    seconds: float = 10.0

    def at(self, path: str) -> str:
        """Where a path of the host is."""
        return path if self.root == "/" else self.root.rstrip("/") + path

    @property
    def proc(self) -> str:
        """The host's /proc."""
        return self.at("/proc")

    def inner(self, path: str) -> str:
        """The path as the host knows it."""
        return path if self.root == "/" else path[len(self.root.rstrip("/")) :] or "/"


class Odd(OSError):
    """It is no file that can be read: a pipe, a device, a directory, or too large."""


def opened(path: str, follow: bool = True) -> int:
    """A descriptor of a regular file. It never waits for a pipe. Raises OSError, and Odd for what is no file."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise Odd(0, "it is no regular file")


def read_text(path: str, largest: int = LARGEST) -> str:
    """The content; bytes that are no UTF-8 as lone surrogates. Raises OSError, and Odd for what is too large."""
    descriptor = opened(path)
    try:
        pieces: list[bytes] = []
        size = 0
        while size <= largest:
            piece = os.read(descriptor, _BLOCK)
            if not piece:
                return os.fsdecode(b"".join(pieces))
            pieces.append(piece)
            size += len(piece)
    finally:
        os.close(descriptor)
    raise Odd(0, f"it is larger than {largest} bytes")


def files_in(folder: str, pattern: str = "*") -> list[str]:
    """Paths of what is in a directory and no directory itself, sorted; hidden ones, too. Raises OSError."""
    with os.scandir(folder) as entries:
        found = []
        for entry in entries:
            if fnmatch.fnmatchcase(entry.name, pattern) and not entry.is_dir(follow_symlinks=False):
                found.append(entry.path)
            if len(found) > MOST_ENTRIES:
                raise Odd(0, f"it has more than {MOST_ENTRIES} entries")
    return sorted(found)


@dataclass(frozen=True)
class Mounts:
    """Mount point → type, as the kernel lists them: to ask a dead one itself is to wait for it."""

    types: dict[str, str]

    def foreign(self, path: str) -> str:
        """The type of the file system of another machine, or of none, that is mounted right here; else empty."""
        kind = self.types.get(path, "")
        return kind if kind in _REMOTE or kind in _UNREAL or kind.startswith("fuse.") else ""

    def remote(self, path: str) -> str:
        """The same for the path or anything above it, without those that are no files."""
        while path not in ("", "/"):
            kind = self.foreign(path)
            if kind and kind not in _UNREAL:
                return kind
            path = os.path.dirname(path)
        return ""


def read_mounts(host: Host) -> Mounts:
    """Those of this process; none where the kernel does not say."""
    types: dict[str, str] = {}
    try:
        with open(f"{host.proc}/self/mountinfo", "rb") as file:
            for row in file:
                fields = os.fsdecode(row).split(" ")
                types[_unescaped(fields[4])] = fields[fields.index("-") + 1]
    except (OSError, ValueError, IndexError):
        return Mounts(types)
    return Mounts(types)


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)


def lines_of(text: str) -> Iterator[str]:
    """Lines that mean something: no blank ones, no comments."""
    for row in text.split("\n"):
        bare = row.strip()
        if bare and not bare.startswith("#"):
            yield bare
