# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches a package part by part, digests each on arrival, and goes on where it was cut off."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.bagcheck import file_digests
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.package import Package, Part

_TRIES = 3
_PAUSE = 1.0  # seconds between two tries
Fetch = Callable[[str, str], None]  # path on the host, path here; raises IncidentError


class CutOff(IncidentError):
    """A package could not be fetched whole; what has arrived is kept."""


@dataclass(frozen=True)
class Fetched:
    """Paths of the parts here, in order; how many were here before; how often one had to be fetched again."""

    paths: tuple[str, ...]
    kept: int
    repeated: int


def fetch_parts(package: Package, folder: str, fetch: Fetch) -> Fetched:
    """All parts of the package into ``folder``, each with the digest that the host gave. Raises CutOff, OSError."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    paths, kept, repeated = [], 0, 0
    for number, part in enumerate(package.parts, 1):
        path = os.path.join(folder, f"{number:04d}")
        paths.append(path)
        if _is_it(path, part):
            kept += 1
        else:
            repeated += _fetch_one(part, path, fetch)
    sync_directory(folder)
    return Fetched(tuple(paths), kept, repeated)


def _fetch_one(part: Part, path: str, fetch: Fetch) -> int:
    """How often it had to be repeated."""
    said = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        try:
            with files_up_to(part.size):
                fetch(part.path, path)
        except IncidentError as error:
            said = str(error)
            continue
        if _is_it(path, part):
            return attempt
        said = "what arrived is not what the host has digested."
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    raise CutOff(
        f"{part.path} could not be fetched in {_TRIES} tries: {said}",
        "It stays on the host; the next capture of this host fetches what is missing.",
    )


def _is_it(path: str, part: Part) -> bool:
    try:
        return os.lstat(path).st_size == part.size and file_digests(path, algorithms=("sha256",)) == [part.sha256]
    except OSError:
        return False


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file that this process, or a program that it starts, writes meanwhile gets larger.

    A host may send for ever; the disk of the controller holds everybody's evidence.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = max(size, 1 << 20)
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Joined(io.RawIOBase):
    """The parts as one stream."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._waiting = list(paths)
        self._file: io.FileIO | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # what io calls it with
        """The next bytes, 0 at the end."""
        while True:
            if self._file is None:
                if not self._waiting:
                    return 0
                self._file = io.FileIO(self._waiting.pop(0))
            if count := self._file.readinto(buffer):
                return count
            self._file.close()
            self._file = None

    def close(self) -> None:
        """Let go of the part that is being read."""
        if self._file is not None:
            self._file.close()
        super().close()
