# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a journal: undo what was staged, or finish what was decided. Both can be killed and begun again."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import replace
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._rollback.attributes import change, set_time
from ansible_collections.toombos.incident.plugins.module_utils._rollback.journal import Journal
from ansible_collections.toombos.incident.plugins.module_utils._rollback.places import (
    entered,
    opened,
    remove_tree,
    status_of,
)
from ansible_collections.toombos.incident.plugins.module_utils._rollback.steps import (
    COMMITTED,
    STAGING,
    SWITCHED,
    Folder,
    Record,
    Step,
    identity,
)
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Settled, SwitchFailed

_GONE = (FileNotFoundError, NotADirectoryError)
_MOVED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE)


class _Lost(OSError):
    """What was staged is not there any more: to try again would not help."""


def settle_record(record: Record, journal: Journal) -> Settled:
    """Bring it to its end, whichever that is. Raises IncidentError, SwitchFailed; the journal stays then."""
    return undo(record, journal) if record.state == STAGING else finish(record, journal)


def undo(record: Record, journal: Journal) -> Settled:
    """Remove all that was staged: exactly old. Raises IncidentError."""
    failed: dict[str, str] = {}
    for step in record.steps:
        if step.staged:
            try:
                # A directory that is gone took along what was staged in it.
                with contextlib.suppress(*_GONE), opened(step.parent) as parent:
                    remove_tree(parent, step.staged)
                    os.fsync(parent)
            except OSError as error:
                failed[os.path.join(step.parent, step.staged)] = error.strerror or str(error)
    for folder in record.folders:
        try:
            with opened(folder.path, folder.inode) as directory:
                set_time(directory, folder.mtime_ns)
                os.fsync(directory)
        except OSError as error:
            if error.errno not in _MOVED:
                failed[folder.path] = error.strerror or str(error)
    if failed:
        what = "; ".join(f"{shown(path)}: {reason}" for path, reason in failed.items())
        raise IncidentError(
            f"Nothing was switched, but what was staged could not be removed ({what}).",
            "Mend that and run again: the leftovers go then.",
            {
                "status": "rollback_failed",
                "new": [],
                "old": [shown(step.path) for step in record.steps],
                "left": [*map(shown, failed)],
            },
        )
    journal.remove()
    return Settled("undone", _paths(record))


def finish(record: Record, journal: Journal) -> Settled:
    """Do all that is not done yet: exactly new. Raises SwitchFailed."""
    reasons: dict[str, OSError] = {}
    if record.state == COMMITTED:
        reasons = _rename_all(record)
        if any(not isinstance(error, _Lost) for error in reasons.values()):
            raise _failed(record, reasons, "Mend that and run again: the rest is finished then.")
    with _or_failed(record):
        if record.state == COMMITTED and not reasons:
            record = replace(record, state=SWITCHED)
            # It tells what is new from what others made after; without it, on a full disk, all is found done as well.
            with contextlib.suppress(OSError):
                journal.write(record)
        kept = [path for step in record.steps for path in _clear_aside(step)]
        for folder in record.folders:
            try:
                _finish_folder(folder)
            except OSError as error:
                if error.errno not in _MOVED:
                    raise
                reasons[folder.after.path] = error
        if reasons:
            journal.retire()
        else:
            journal.remove()
    if reasons:
        raise _failed(record, reasons, "Somebody else has changed these. Roll back to a generation once more.")
    return Settled("finished", _paths(record), tuple(kept))


def _paths(record: Record) -> tuple[str, ...]:
    return tuple(sorted({*(step.path for step in record.steps), *(folder.after.path for folder in record.folders)}))


def _failed(record: Record, reasons: dict[str, OSError], way_out: str) -> SwitchFailed:
    words = {path: error.strerror or str(error) for path, error in reasons.items()}
    return SwitchFailed([path for path in _paths(record) if path not in words], [*words], words, way_out)


def _rename_all(record: Record) -> dict[str, OSError]:
    """Every rename that can be done, made durable; what is still old, and why."""
    reasons: dict[str, OSError] = {}
    for step in record.steps:
        try:
            with opened(step.parent, step.parent_inode) as parent:
                _rename(parent, step)
        except OSError as error:
            reasons[step.path] = error
    with _or_failed(record):
        for path in sorted({step.parent for step in record.steps if step.path not in reasons}):
            with opened(path) as parent:
                os.fsync(parent)
    return reasons


def _rename(parent: int, step: Step) -> None:
    here = status_of(parent, step.name)
    if not step.staged:
        _put_aside(parent, step, here)
        return
    waiting = status_of(parent, step.staged)
    if here is not None and here.st_ino == step.inode:
        if waiting is not None:  # of two names of one file, rename removes none
            os.unlink(step.staged, dir_fd=parent)
        return
    if waiting is None or waiting.st_ino != step.inode:
        raise _Lost(errno.ESTALE, "somebody else has removed or replaced what was staged")
    if not step.replaced or identity(here, len(step.before) == 1) != step.before:
        _put_aside(parent, step, here)
    os.rename(step.staged, step.name, src_dir_fd=parent, dst_dir_fd=parent)


def _put_aside(parent: int, step: Step, here: os.stat_result | None) -> None:
    if here is None:
        return
    if status_of(parent, step.aside) is None:
        os.rename(step.name, step.aside, src_dir_fd=parent, dst_dir_fd=parent)
    elif step.staged:
        raise _Lost(errno.EEXIST, "somebody else has put something there meanwhile")
    # A name that was removed and is there again: somebody made it anew, who may need it.


def _clear_aside(step: Step) -> Iterator[str]:
    """Remove what is old; what nobody knew of is kept, and named."""
    with contextlib.suppress(*_GONE), opened(step.parent) as parent:
        status = status_of(parent, step.aside)
        if status is None:
            return
        kept = os.path.join(step.parent, step.aside)
        if identity(status, len(step.before) == 1) != step.before:
            yield kept
        elif not stat.S_ISDIR(status.st_mode):
            os.unlink(step.aside, dir_fd=parent)
        elif not _clear_directory(parent, step):
            yield kept
        os.fsync(parent)


def _clear_directory(parent: int, step: Step) -> bool:
    """Remove the directory that was put aside, as far as the set knows it; False when something else is in there."""
    for path in step.inside:
        *way, name = path.split("/")
        with contextlib.suppress(*_GONE), entered(os.dup(parent), (step.aside, *way)) as directory:
            status = status_of(directory, name)
            if status is not None and not stat.S_ISDIR(status.st_mode):
                os.unlink(name, dir_fd=directory)
            elif status is not None and not _remove_empty(directory, name):
                return False
    return _remove_empty(parent, step.aside)


def _remove_empty(directory: int, name: str) -> bool:
    try:
        os.rmdir(name, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _finish_folder(folder: Folder) -> None:
    with opened(folder.path, folder.inode) as directory:
        change(directory, folder.after)
        os.fsync(directory)


@contextlib.contextmanager
def _or_failed(record: Record) -> Iterator[None]:
    """What fails here fails after every rename."""
    try:
        yield
    except OSError as error:
        reasons = {str(error.filename or "the disk"): error.strerror or str(error)}
        raise SwitchFailed(
            _paths(record), [], reasons, "Mend that and run again: the rest is finished then."
        ) from error
