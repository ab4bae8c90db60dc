# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads files as they are at one moment, or says that they did not keep still."""

from __future__ import annotations

import contextlib
import glob
import itertools
import os
import stat
from dataclasses import dataclass
from typing import Iterator, Sequence

_BLOCK = 1 << 20
MOST = 10_000  # files of one artifact
_WILD = frozenset("*?[")


class NotRegular(Exception):
    """No regular file; the text says what it is."""


@dataclass(frozen=True)
class Opened:
    """An open regular file. ``size`` is None where the kernel makes the content up while it is read.

    ``path``: where it really is, which differs from the asked path by links that were trusted.
    """

    path: str
    descriptor: int
    status: os.stat_result
    size: int | None


def expand(patterns: Sequence[str]) -> tuple[list[str], bool]:
    """The paths that these patterns mean, sorted and each once; one without wildcards is there in any case.

    They are absolute, or begin with the home of a user (``~root/``); one that ends in a slash means everything below
    that directory, hidden files as well. True: there are more than can be kept; anybody can put a million files into a
    directory of his.
    """
    found: set[str] = set()
    for pattern in map(os.path.expanduser, patterns):
        if pattern.endswith("/"):
            paths = _below(pattern)
        else:
            # A ``**`` follows no links to directories in any Python that is supported.
            paths = glob.iglob(pattern, recursive=True) if _WILD & set(pattern) else iter([pattern])
        found.update(itertools.islice(paths, MOST + 1))
    return sorted(found)[:MOST], len(found) > MOST


def _below(directory: str) -> Iterator[str]:
    """What is no directory, below this one; itself, where there is nothing, so that its absence is told."""
    empty = True
    for folder, _folders, names in os.walk(directory):
        for name in names:
            empty = False
            yield os.path.join(folder, name)
    if empty:
        yield directory.rstrip("/")


@contextlib.contextmanager
def opened(path: str) -> Iterator[Opened]:
    """A regular file, opened without changing when it was read, and without waiting for anybody.

    A link is followed only where nobody but root (or whoever runs this) can have made it: /etc/os-release is one, but
    so may be a log that a service has replaced by a link to /etc/shadow. Raises OSError, and NotRegular for other
    links, a directory, a pipe, a socket or a device.
    """
    if os.path.islink(path) and _trusted(path):
        path = os.path.realpath(path)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    before = os.lstat(path)  # opening a device can do things
    if not stat.S_ISREG(before.st_mode):
        raise NotRegular(_kind(path, before))
    try:
        descriptor = os.open(path, flags | os.O_NOATIME)
    except PermissionError:  # only the owner and root may leave the time alone
        descriptor = os.open(path, flags)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise NotRegular("it was replaced while it was opened")
    made_up = path.startswith(("/proc/", "/sys/")) or (status.st_size == 0 and os.major(status.st_dev) == 0)
    try:
        yield Opened(path, descriptor, status, None if made_up else status.st_size)
    finally:
        os.close(descriptor)


def read(file: Opened) -> Iterator[bytes]:
    """Its content from the beginning, in blocks. Raises OSError."""
    while True:
        block = os.read(file.descriptor, _BLOCK)
        if not block:
            return
        yield block


def moved(file: Opened, got: int) -> str:
    """What happened to the file while ``got`` bytes of it were read; empty when it kept still."""
    now = os.fstat(file.descriptor)
    seen = []
    if file.size is not None and got < file.size:
        seen.append(f"it was cut from {file.size} to {now.st_size} bytes")
    elif now.st_size > file.status.st_size:
        seen.append(f"it grew by {now.st_size - file.status.st_size} bytes, which are not part of it")
    elif now.st_mtime_ns != file.status.st_mtime_ns:
        seen.append("it was written to")
    with contextlib.suppress(OSError):
        there = os.lstat(file.path)
        if (there.st_dev, there.st_ino) != (now.st_dev, now.st_ino):
            seen.append("its name was given to another file")
        return "; ".join(seen)
    return "; ".join([*seen, "its name is gone"])


def _trusted(path: str) -> bool:
    owners = {0, os.geteuid()}
    link, folder = os.lstat(path), os.stat(os.path.dirname(path) or ".")
    return link.st_uid in owners and folder.st_uid in owners and not folder.st_mode & 0o022


def _kind(path: str, status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return f"a link to {os.readlink(path)}"
    names = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return names.get(stat.S_IFMT(status.st_mode), "a device")
