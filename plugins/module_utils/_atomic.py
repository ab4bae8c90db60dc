# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way to write a file that others read: they see the old content or the new, never something between."""

from __future__ import annotations

import contextlib
import os
from typing import Iterable


def write_atomic(path: str, data: bytes, *, mode: int = 0o600, uid: int | None = None, gid: int | None = None) -> None:
    """Replace the file at ``path`` by ``data``, durably, with ``mode`` and, where given, owner and group.

    The content is 0600 until it is complete. A symbolic link at ``path`` is replaced, not followed. Raises OSError;
    the old file is untouched then and no temporary file stays.
    """
    write_pieces(path, (data,), mode=mode, uid=uid, gid=gid)


def write_pieces(
    path: str, pieces: Iterable[bytes], *, mode: int = 0o600, uid: int | None = None, gid: int | None = None
) -> None:
    """The same with content that comes in pieces; what is raised while one is made leaves the old file as well."""
    directory = os.path.dirname(path) or "."
    # Not by tempfile: its imports cost more than all the rest of a call that writes a record.
    temporary = os.path.join(directory, f".{os.path.basename(path)[:100]}.{os.urandom(8).hex()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            if uid is not None or gid is not None:
                os.fchown(file.fileno(), -1 if uid is None else uid, -1 if gid is None else gid)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_directory(directory)


def sync_directory(path: str) -> None:
    """Make names in the directory durable: without this a power cut may bring old ones back. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
