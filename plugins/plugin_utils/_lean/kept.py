# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to hosts changes only with the collection: it is kept, in the home of Ansible, from one run to the next.

Making it anew would cost each run as much as loading half of Ansible. What is kept will run as root on hosts, so it is
believed only in a folder and a file that nobody else can write to, under the digest of all it was made from, and with
the digest of what it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic

MOST = 4  # versions of one script: checkouts beside each other do not throw out what the other one keeps
_LONGEST = 4 << 20  # bytes; what is larger is no script of ours
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def kept(name: str, sources: Iterable[Path], folder: str, make: Callable[[], str]) -> str:
    """What ``make`` makes from these files for ``name``; from ``folder`` if it is there, and there for the next run.

    A folder that is not to be trusted, or cannot be written to, costs time only. Raises what ``make`` raises, and
    OSError when a source cannot be read.
    """
    file = f"{name}-{_digest_of(sources)}"
    with contextlib.suppress(OSError, ValueError):
        return _read(folder, file)
    text = make()
    with contextlib.suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with _ours(folder):
            data = text.encode()
            write_atomic(os.path.join(folder, file), _digest(data) + b"\n" + data)
        _tidy(folder, name)
    return text


def _digest_of(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    paths = sorted(sources)
    above = os.path.commonpath(paths)  # where a checkout lies is no part of what it is
    for path in paths:
        data = path.read_bytes()
        digest.update(f"{os.path.relpath(path, above)}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:32]


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _read(folder: str, file: str) -> str:
    """Raises OSError when it is not there or not ours, ValueError when it is not what was written."""
    with _ours(folder) as where:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=where)
        with os.fdopen(handle, "rb") as stream:
            _check(os.fstat(handle), stat.S_ISREG)
            digest, _newline, data = stream.read(_LONGEST).partition(b"\n")
    if digest != _digest(data):
        raise ValueError("it is damaged")
    return data.decode()


@contextlib.contextmanager
def _ours(folder: str) -> Iterator[int]:
    """The folder, open, if it is one, no link, and nobody else can put anything into it. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _check(os.fstat(handle), stat.S_ISDIR)
        yield handle
    finally:
        os.close(handle)


def _check(found: os.stat_result, right_kind: Callable[[int], bool]) -> None:
    if not right_kind(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
        raise PermissionError("somebody else could have written it")


def _tidy(folder: str, name: str) -> None:
    """Away with the oldest versions."""
    own = Path(folder).glob(f"{name}-{'?' * 32}")
    for path in sorted(own, key=lambda path: path.stat().st_mtime, reverse=True)[MOST:]:
        path.unlink()
