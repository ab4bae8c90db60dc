# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a set would have: their contents before they are in place, and private copies for validators."""

from __future__ import annotations

import contextlib
import os
import pwd
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Iterator, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import ABSENT, FILE, SYMLINK, Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.places import opened, remove_tree
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Contents

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LINKS = 8  # that lead to one another


class Candidates:
    """``target``: entries of the whole set. ``contents``: sha256 → content."""

    def __init__(self, target: Sequence[Entry], contents: Contents) -> None:
        self._entries = {entry.path: entry for entry in target}
        self.contents = contents

    def matching(self, pattern: str) -> list[str]:
        """Paths of the set that the pattern names, sorted; itself, if it has no wildcard."""
        if not any(sign in pattern for sign in "*?["):
            return [pattern]
        return sorted(path for path, entry in self._entries.items() if entry.kind != ABSENT and matches(path, pattern))

    def file(self, path: str) -> Entry | None:
        """The file at the path, also through links within the set; None where the set does not tell."""
        for _count in range(_LINKS):
            entry = self._entries.get(path)
            if entry is None or entry.kind != SYMLINK:
                return entry
            path = os.path.normpath(os.path.join(os.path.dirname(path), entry.target))
        return None

    def content(self, path: str) -> bytes | None:
        """Of the file at the path; None: there will be none, or the set does not tell. Raises IncidentError."""
        entry = self.file(path)
        if entry is None or entry.kind != FILE:
            return None
        return b"".join(self.contents(entry.sha256))


def matches(path: str, pattern: str) -> bool:
    """Component by component; a wildcard at the beginning of one does not match a dot."""
    parts, patterns = path.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(
        fnmatchcase(part, each) and (each.startswith(".") or not part.startswith("."))
        for part, each in zip(parts, patterns)
    )


@contextmanager
def private_directory(scratch: str) -> Iterator[str]:
    """A directory of nobody but us below ``scratch``, which goes with everything in it. Raises IncidentError."""
    scratch = os.path.realpath(scratch)
    name = f"incident-{os.urandom(8).hex()}"
    try:
        with opened(scratch) as directory:
            os.mkdir(name, 0o700, dir_fd=directory)
    except OSError as error:
        raise IncidentError(
            f"No private directory can be made in {scratch}: {error.strerror}.", "Free some space there?"
        ) from error
    try:
        yield os.path.join(scratch, name)
    finally:
        with contextlib.suppress(OSError), opened(scratch) as directory:
            remove_tree(directory, name)


def default_scratch() -> str:
    """Where copies may lie for a moment: in memory where that is possible, and reachable for the service's user."""
    if os.geteuid() == 0 and os.path.isdir("/run") and os.access("/run", os.W_OK):
        return "/run"
    return os.environ.get("TMPDIR", "/tmp")


def write_copy(path: str, pieces: Iterator[bytes], owner: tuple[int, int], mode: int) -> None:
    """A new file in a private directory that nobody else can enter yet. Raises OSError, IncidentError."""
    descriptor = os.open(path, _NEW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        if os.geteuid() == 0:
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)


def owner_of(user: str | None) -> tuple[int, int]:
    """User and group numbers; our own for nobody, or for one who is not there."""
    with contextlib.suppress(KeyError):
        if user:
            known = pwd.getpwnam(user)
            return known.pw_uid, known.pw_gid
    return os.geteuid(), os.getegid()


def as_user(user: str | None) -> list[str]:
    """A prefix that drops root: validators must not run with more rights than the application has."""
    if not user or os.geteuid() != 0 or owner_of(user)[0] == 0:
        return []
    return ["runuser", "-u", user, "--"]


def environment() -> Mapping[str, str]:
    """What validators get; Python among them must not write bytecode into the application."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
