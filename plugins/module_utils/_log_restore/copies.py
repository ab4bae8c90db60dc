# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest whole copy of a log among the backups."""

from __future__ import annotations

import os
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._log_restore.backups import SUMS, Backup, read_sums
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.content import inspect
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import (
    Unsafe,
    access,
    believe,
    identity,
    open_file,
    opened,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import EMPTY, WHOLE, Copy


def choose_copy(name: str, packed: str, backups: Sequence[Backup]) -> tuple[Copy | None, list[str]]:
    """The copy of that name in the newest backup in which it is whole; and why newer ones are of no use."""
    passed = []
    for backup in backups:
        try:
            copy = _read(backup, name, packed)
        except (Unsafe, OSError) as error:
            passed.append(str(getattr(error, "message", error)).rstrip("."))
            continue
        if copy is None or copy.condition.state == EMPTY:
            continue
        if copy.condition.state != WHOLE:
            passed.append(f"{copy.path}: {copy.condition.why}")
        else:
            return copy, passed
    return None, passed


def _read(backup: Backup, name: str, packed: str) -> Copy | None:
    path = os.path.join(backup.path, name)
    try:
        with opened(backup.path) as directory:
            descriptor = open_file(directory, name, path)
            try:
                believe(directory, descriptor, path)
                sums = read_sums(directory, backup.path)
                status = os.fstat(descriptor)
                condition = inspect(descriptor, status.st_size, packed)
            finally:
                os.close(descriptor)
    except FileNotFoundError:
        return None
    if sums is not None:
        if name not in sums:
            raise Unsafe(f"{path} is not listed in its {SUMS}.")
        if sums[name] != condition.sha256:
            raise Unsafe(f"{path} does not have the digest of its {SUMS}.")
    return Copy(path, backup.day, identity(status), condition, access(status), packed)
