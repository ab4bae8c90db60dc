# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts everything new beside its place, complete and durable, under names that nobody knows."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Iterator, Tuple

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import DIRECTORY, SYMLINK, Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback.attributes import first_mode, give, give_link
from ansible_collections.toombos.incident.plugins.module_utils._rollback.places import entered, opened, status_of
from ansible_collections.toombos.incident.plugins.module_utils._rollback.steps import Step
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Contents, Operation

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Where the first name of a file with several lies: step, directories below its parent, name.
_Place = Tuple[Step, Tuple[str, ...], str]


class Stage:
    """Stages operations one by one. ``contents``: sha256 → content."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._files: dict[int, tuple[_Place, int]] = {}

    def add(self, operation: Operation, step: Step) -> Step:
        """Stage what the operation brings; the step with its number on the disk. Raises OSError, IncidentError."""
        if not step.staged:
            return step
        with opened(step.parent, step.parent_inode) as parent:
            self._put(parent, step.staged, operation.after, (step, (), step.staged))
            if operation.after.kind == DIRECTORY:
                self._fill(parent, operation, step)
            os.fsync(parent)
            status = status_of(parent, step.staged)
        return replace(step, inode=status.st_ino if status else 0)

    def _fill(self, parent: int, operation: Operation, step: Step) -> None:
        top = operation.path
        for entry in operation.inside_after:
            *way, name = entry.path[len(top) + 1 :].split("/")
            with entered(os.dup(parent), (step.staged, *way)) as directory:
                self._put(directory, name, entry, (step, (step.staged, *way), name))
        # Whoever is in a directory changes its time, and a mode may forbid to enter: from the deepest to the top.
        for entry in reversed((operation.after, *operation.inside_after)):
            if entry.kind == DIRECTORY:
                below = [part for part in entry.path[len(top) :].split("/") if part]
                with entered(os.dup(parent), (step.staged, *below)) as directory:
                    give(directory, entry)
                    os.fsync(directory)

    def _put(self, directory: int, name: str, entry: Entry, place: _Place) -> None:
        if entry.kind == DIRECTORY:
            os.mkdir(name, first_mode(entry), dir_fd=directory)
            if os.geteuid() != 0:  # an ACL that it inherits may keep us out
                os.chmod(name, first_mode(entry), dir_fd=directory)
        elif entry.kind == SYMLINK:
            os.symlink(entry.target, name, dir_fd=directory)
            give_link(directory, name, entry)
        elif entry.link in self._files:
            self._link(directory, name, entry)
        else:
            inode = _write(directory, name, entry, self._contents(entry.sha256))
            if entry.link:
                self._files[entry.link] = (place, inode)

    def _link(self, directory: int, name: str, entry: Entry) -> None:
        (step, way, first), inode = self._files[entry.link]
        with opened(step.parent, step.parent_inode) as parent, entered(os.dup(parent), way) as source:
            os.link(first, name, src_dir_fd=source, dst_dir_fd=directory, follow_symlinks=False)
        status = status_of(directory, name)
        if status is None or status.st_ino != inode:
            raise IncidentError(
                f"What was staged for {shown(entry.path)} was replaced by somebody else.",
                "Find out who writes to its directory.",
            )


def _write(directory: int, name: str, entry: Entry, pieces: Iterator[bytes]) -> int:
    """A new file with everything that the entry says; its number."""
    import hashlib

    digest, size = hashlib.sha256(), 0
    descriptor = os.open(name, _NEW, first_mode(entry), dir_fd=directory)
    try:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            _write_all(descriptor, piece)
        if size != entry.size or digest.hexdigest() != entry.sha256:
            raise IncidentError(
                f"The kept content of {shown(entry.path)} is not what it was when it was kept.",
                "Verify the store of generations, and take another generation.",
            )
        give(descriptor, entry)
        os.fsync(descriptor)
        return os.fstat(descriptor).st_ino
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(descriptor, left) :]
