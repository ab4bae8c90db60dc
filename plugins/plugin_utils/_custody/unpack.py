# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns a package that has arrived into a directory: plain names below the bag's own, nothing else, nowhere else."""

from __future__ import annotations

import os
from typing import BinaryIO

from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import is_safe_path
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.tarstream import BadPackage, Entry, read_tar

_MOST = 200_000  # files of one bag
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def unpack(stream: BinaryIO, bag: str, target: str) -> int:
    """Unpack the tar into ``target``, a new private directory, without the bag's name; the number of files.

    Directories come into being with the files in them: empty ones are no part of a bag. Nothing is ever replaced.
    Raises BadPackage, OSError; what was unpacked until then is left to the caller.
    """
    os.mkdir(target, 0o700)
    made = {""}
    count = 0
    for entry in read_tar(stream):
        path = _path(entry, bag)
        if entry.content is None:
            continue
        count += 1
        if count > _MOST:
            raise BadPackage(f"It holds more than {_MOST} files.")
        try:
            _make_folders(target, os.path.dirname(path), made)
            handle = os.open(os.path.join(target, path), NEW, 0o600)
        except FileExistsError:
            raise BadPackage(f"It holds {entry.name!r} twice.") from None
        with os.fdopen(handle, "wb", buffering=0) as file:
            for piece in entry.content:
                _write(file, piece)
    return count


def _make_folders(target: str, folder: str, made: set[str]) -> None:
    """All on the way to it are as private as it is."""
    if folder not in made:
        _make_folders(target, os.path.dirname(folder), made)
        os.mkdir(os.path.join(target, folder), 0o700)
        made.add(folder)


def _path(entry: Entry, bag: str) -> str:
    """Where it goes, below the bag."""
    top, _slash, path = entry.name.partition("/")
    if top != bag or not (is_safe_path(path) or (not path and entry.content is None)):
        raise BadPackage(f"It holds {entry.name[:200]!r}, which is no name of a file in the bag {bag}.")
    return path


def _write(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
