# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of the store in which a dirty tree is kept: named, out of others' reach, with digests of its files."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import sync_directory, write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._release.types import Preserved

MANIFEST = "manifest.json"
ARCHIVE = "files.tar"
_UNFINISHED = ".unfinished"
_LONG_AGO = 86400.0


def new_place(store: str, path: str, wall: Callable[[], float] = time.time) -> str:
    """The name of a directory that is not there yet: ``<store>/preserved/20261123T031500Z-app-1a2b3c4d``."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(wall()))
    # Of the path only what is harmless in names everywhere.
    tail = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in os.path.basename(path))
    return os.path.join(store, "preserved", f"{moment}-{tail[:40]}-{os.urandom(4).hex()}")


def begin(directory: str) -> str:
    """Make a directory in which to write; it gets its own name when it is complete. Raises OSError."""
    unfinished = f"{directory}{_UNFINISHED}"
    os.makedirs(os.path.dirname(directory), mode=0o700, exist_ok=True)
    os.mkdir(unfinished, 0o700)
    return unfinished


def sweep(store: str, wall: Callable[[], float] = time.time) -> None:
    """Remove what killed calls have begun to keep and not finished, long ago. Nothing had been overwritten then."""
    base = os.path.join(store, "preserved")
    for name in os.listdir(base) if os.path.isdir(base) else ():
        path = os.path.join(base, name)
        if name.endswith(_UNFINISHED) and os.lstat(path).st_mtime < wall() - _LONG_AGO:
            discard(path)


def create(directory: str, name: str) -> int:
    """A new file in it, open for writing and reading. Raises OSError."""
    return os.open(
        os.path.join(directory, name), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )


def finish(directory: str, facts: Mapping[str, Any], packed: Mapping[str, Any], empty: bool) -> Preserved:
    """Write the manifest, make everything durable, give the directory its name. Raises OSError."""
    unfinished = f"{directory}{_UNFINISHED}"
    files = {name: digest_of(os.path.join(unfinished, name)) for name in sorted(os.listdir(unfinished))}
    manifest = json.dumps({**facts, **packed, "sha256": files}, indent=1, sort_keys=True) + "\n"
    write_atomic(os.path.join(unfinished, MANIFEST), manifest.encode())
    os.rename(unfinished, directory)
    sync_directory(os.path.dirname(directory))
    return Preserved(directory, digest_of(os.path.join(directory, MANIFEST)), packed["files"], packed["bytes"], empty)


def read(directory: str) -> dict[str, Any]:
    """The manifest, when all that it names is as it was. Raises IncidentError."""
    try:
        with open(os.path.join(directory, MANIFEST), encoding="utf-8") as file:
            manifest: dict[str, Any] = json.load(file)
        wrong = [
            name for name, digest in manifest["sha256"].items() if digest_of(os.path.join(directory, name)) != digest
        ]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise IncidentError(
            f"What was preserved in {directory} cannot be read: {error}.", "Restore the tree by hand."
        ) from error
    if wrong:
        raise IncidentError(f"{directory}/{wrong[0]} is not as it was written.", "Restore the tree by hand.")
    return manifest


def discard(directory: str) -> None:
    """Remove one of which nothing is needed any more, with everything in it."""
    import shutil

    shutil.rmtree(directory, ignore_errors=True)


def digest_of(path: str) -> str:
    """SHA-256 of a file. Raises OSError."""
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()
