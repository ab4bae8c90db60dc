# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From parts to a bag in its place: nothing is in place before it is whole and verified, and nothing is replaced."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from dataclasses import dataclass
from typing import BinaryIO, cast

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.bagcheck import check_bag, file_digests
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.home import INCOMING
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.package import Package
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.tarstream import BadPackage
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.transport import (
    Fetch,
    Fetched,
    Joined,
    fetch_parts,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.unpack import NEW, unpack

_PIECE = 1 << 20
_SPARE = 16 << 20  # bytes that the custody log and the rest of the controller go on with


@dataclass(frozen=True)
class Arrived:
    """``path``: the bag in its place; ``kept``, ``repeated``: parts; ``files``, ``bytes``: the payload, 0 if sealed."""

    path: str
    kept: int
    repeated: int
    files: int
    bytes: int


def receive(package: Package, directory: str, fetch: Fetch) -> Arrived:
    """Fetch the package and put its bag into the directory of the incident.

    Raises IncidentError, OSError: then nothing is in its place, and parts that have arrived are kept, unless the disk
    needs their room.
    """
    path = os.path.join(directory, package.file)
    incoming = os.path.join(directory, INCOMING, package.bag)
    if os.path.lexists(path):  # put there by a run that was ended before it could say so
        return _as_it_was(package, path, incoming)
    for folder in (os.path.dirname(incoming), incoming):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    try:
        _room(package, directory, incoming)
        fetched = fetch_parts(package, os.path.join(incoming, "parts"), fetch)
        arrived = (_seal_in if package.method != "none" else _bag_in)(package, fetched, incoming, path)
    except BadPackage:
        shutil.rmtree(incoming, ignore_errors=True)
        raise
    except (IncidentError, OSError):
        _discard(os.path.join(incoming, "new"))
        if _free(directory) < package.size + _SPARE:
            shutil.rmtree(incoming, ignore_errors=True)
        raise
    sync_directory(directory)
    shutil.rmtree(incoming, ignore_errors=True)
    return arrived


def _bag_in(package: Package, fetched: Fetched, incoming: str, path: str) -> Arrived:
    new = os.path.join(incoming, "new")
    _discard(new)
    stream = _Digested(Joined(fetched.paths))
    with io.BufferedReader(stream, _PIECE) as reader:
        unpack(cast(BinaryIO, reader), package.bag, new)
        if stream.digest.hexdigest() != package.sha256:
            raise BadPackage(f"The parts of {package.bag} are not the package that the host has digested.")
    checked = check_bag(new)
    if checked.problems:
        more = f" and {len(checked.problems) - 3} more" if len(checked.problems) > 3 else ""
        raise BadPackage(f"{package.bag} is not a whole bag: {'; '.join(checked.problems[:3])}{more}.")
    if checked.tagmanifest_sha256 != package.tagmanifest_sha256:
        raise BadPackage(f"{package.bag} is not the bag that the host has digested.")
    _sync_tree(new)
    _place(new, path)
    return Arrived(path, fetched.kept, fetched.repeated, checked.files, checked.bytes)


def _seal_in(package: Package, fetched: Fetched, incoming: str, path: str) -> Arrived:
    new = os.path.join(incoming, "new")
    _discard(new)
    stream = _Digested(Joined(fetched.paths))
    with io.BufferedReader(stream, _PIECE) as reader, open(os.open(new, NEW, 0o600), "wb") as file:
        _refuse_plain(package, reader.peek(512))
        shutil.copyfileobj(reader, file, _PIECE)
        file.flush()
        os.fsync(file.fileno())
    if stream.digest.hexdigest() != package.sha256:
        raise BadPackage(f"The parts of {package.bag} are not the package that the host has digested.")
    _place(new, path)
    return Arrived(path, fetched.kept, fetched.repeated, 0, 0)


def _refuse_plain(package: Package, beginning: bytes) -> None:
    sealed = beginning.startswith(b"age-encryption.org/v1\n") if package.method == "age" else beginning[:1] >= b"\x80"
    if not sealed:
        raise BadPackage(f"{package.bag} was to be sealed with {package.method}, and is not.")


def _as_it_was(package: Package, path: str, incoming: str) -> Arrived:
    if package.method == "none":
        checked = check_bag(path)
        same = not checked.problems and checked.tagmanifest_sha256 == package.tagmanifest_sha256
        arrived = Arrived(path, len(package.parts), 0, checked.files, checked.bytes)
    else:
        same = file_digests(path, algorithms=("sha256",)) == [package.sha256]
        arrived = Arrived(path, len(package.parts), 0, 0, 0)
    if not same:
        raise IncidentError(
            f"{path} is there already, and is not what the host has.",
            "Nothing is overwritten: compare the two.",
        )
    shutil.rmtree(incoming, ignore_errors=True)
    return arrived


def _place(new: str, path: str) -> None:
    """The name was reserved in the custody log: nobody else uses it, but what is there would be lost."""
    if os.path.lexists(path):
        raise IncidentError(f"{path} is there already.", "Nothing is overwritten: look where it comes from.")
    os.rename(new, path)


def _room(package: Package, directory: str, incoming: str) -> None:
    """Parts and bag are on the disk at the same time."""
    here = sum(entry.stat().st_size for entry in _entries(os.path.join(incoming, "parts")))
    needed, free = 2 * package.size - min(here, package.size) + _SPARE, _free(directory)
    if free < needed:
        raise IncidentError(
            f"{package.bag} needs {needed >> 20} MiB on the controller, and {directory} has {free >> 20} MiB left.",
            "Make room, or use another home. It stays on the host; the next capture fetches it.",
        )


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except FileNotFoundError:
        return []


def _free(directory: str) -> int:
    disk = os.statvfs(directory)
    return disk.f_bavail * disk.f_frsize


def _discard(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _sync_tree(root: str) -> None:
    """On the disk for good: the host's copy is removed next."""
    for folder, _folders, files in os.walk(root, topdown=False):
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                os.fsync(file.fileno())
        sync_directory(folder)


class _Digested(io.RawIOBase):
    """Passes on what it reads, and digests it."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # what io calls it with
        count: int = self._stream.readinto(buffer)
        self.digest.update(buffer[:count])
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()
