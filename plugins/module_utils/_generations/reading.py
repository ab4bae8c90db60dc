# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens and looks at the paths of a set, and notices when one is exchanged or changed meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Iterable, Iterator, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations import types as t
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.spots import Spot, Unstable, open_parent

_BLOCK = 1 << 18
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@contextlib.contextmanager
def opened(spot: Spot, parent: int, found: os.stat_result, flags: int) -> Iterator[int]:
    """Its descriptor; ``found`` is what it was. An OSError within becomes Unstable or IncidentError."""
    name = spot.parts[-1]
    try:
        try:
            descriptor = os.open(name, flags | os.O_NOATIME, dir_fd=parent)
        except PermissionError:  # only for who owns it
            descriptor = os.open(name, flags, dir_fd=parent)
    except OSError as error:
        raise gone_or(error, spot.path) from error
    try:
        if print_of(os.fstat(descriptor)) != print_of(found):
            raise Unstable(spot.path)
        yield descriptor
    except OSError as error:
        raise gone_or(error, spot.path) from error
    finally:
        os.close(descriptor)


def gone_or(error: OSError, path: str) -> Exception:
    """It was exchanged or removed meanwhile; or it really cannot be read."""
    if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.EAGAIN, errno.ENODATA, errno.ESTALE):
        return Unstable(path)
    return unreadable(path, error)


def unreadable(path: str, error: OSError) -> IncidentError:
    """The refusal of a set with something in it that cannot be read."""
    way_out = "Run with become: true, or take it out of the set."
    if not isinstance(error, PermissionError):
        way_out = "Look into the kernel's messages; if it does not matter, take it out of the set."
    return IncidentError(f"{shown(path)} cannot be read: {error.strerror}. Nothing is kept.", way_out)


def digest(descriptor: int, path: str, size: int) -> str:
    """SHA-256 (hex) of all that can be read. Raises Unstable unless that is ``size`` bytes, and OSError."""
    import hashlib

    whole = hashlib.sha256()
    left = size
    while True:
        data = os.read(descriptor, _BLOCK)
        whole.update(data)
        left -= len(data)
        if left < 0 or (not data and left):
            raise Unstable(path)
        if not data:
            return whole.hexdigest()


def same(descriptor: int, entry: t.Entry) -> Iterator[bytes]:
    """The content once more. Raises Unstable in place of its end when it is another one."""
    import hashlib

    whole = hashlib.sha256()
    left = entry.size
    while left > 0:
        try:
            data = os.read(descriptor, min(_BLOCK, left))
        except OSError as error:
            raise gone_or(error, entry.path) from error
        if not data:
            break
        left -= len(data)
        whole.update(data)
        yield data
    if whole.hexdigest() != entry.sha256:
        raise Unstable(entry.path)


def parents(spots: Iterable[Spot]) -> Iterator[tuple[Spot, int | None]]:
    """Each with the descriptor of its directory, which is open until the next one comes."""
    last: tuple[str, Sequence[str]] | None = None
    parent: int | None = None
    try:
        for spot in spots:
            folder = (spot.base, spot.parts[:-1])
            if folder != last:
                if parent is not None:
                    os.close(parent)
                parent, last = None, None
                parent, last = open_parent(spot), folder
            yield spot, parent
    finally:
        if parent is not None:
            os.close(parent)


def status(spot: Spot, parent: int | None) -> os.stat_result | None:
    """What it is at this moment; None: it is not there. Raises OSError with the path."""
    if parent is None:
        return None
    try:
        return os.stat(spot.parts[-1], dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OSError(error.errno, error.strerror, spot.path) from error


def look(spots: Mapping[str, Spot]) -> dict[str, os.stat_result | None]:
    """Path → what it is. Raises IncidentError when two of the paths are one and the same."""
    found: dict[str, os.stat_result | None] = {}
    places: dict[tuple[int, int, str], str] = {}
    for spot, parent in parents(spots.values()):
        found[spot.path] = status(spot, parent)
        if parent is None:
            continue
        folder = os.fstat(parent)
        other = places.setdefault((folder.st_dev, folder.st_ino, spot.parts[-1]), spot.path)
        if other != spot.path:
            raise IncidentError(
                f"{shown(other)} and {shown(spot.path)} are the same file, by way of a link to a directory.",
                "Declare it once.",
            )
    return found


def print_of(found: os.stat_result | None) -> tuple[int, ...]:
    """What changes with every change."""
    if found is None:
        return ()
    return (
        found.st_dev,
        found.st_ino,
        found.st_mode,
        found.st_uid,
        found.st_gid,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )
