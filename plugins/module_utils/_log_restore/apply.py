# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does exactly what was planned for a log, or nothing, and says which."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import Callable, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.compare import begins_with, text
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import (
    Unsafe,
    identity,
    open_file,
    opened,
    unchanged,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.stage import staged
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.swap import Free, place, put_in_place
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import (
    EXCHANGE,
    EXTEND,
    GRANT,
    PLACE,
    PREPEND,
    REFUSE,
    Access,
    Changed,
    Identity,
    Outcome,
    Step,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.writers import find_writers

_PROC = "/proc/"


def apply_step(step: Step, free: Free | None = None) -> Outcome:
    """Never raises for what is wrong with this log. ``free``: see ``swap``."""
    if not step.how:
        return Outcome(step, step.action, step.reason)
    try:
        with opened(os.path.dirname(step.path)) as directory:
            reason, digest = _WAYS[step.how](directory, step, free or _nobody_writes)
    except IncidentError as error:
        return Outcome(replace(step, way_out=error.way_out), REFUSE, error.message.rstrip("."))
    except FileNotFoundError as error:
        return Outcome(
            replace(step, way_out="Run again."), REFUSE, f"{error.filename or step.source} is not there any more"
        )
    except OSError as error:
        return Outcome(
            replace(step, way_out="Mend that and run again."), REFUSE, f"nothing was changed: {error.strerror or error}"
        )
    return Outcome(step, step.action, reason, True, digest)


def _place(directory: int, step: Step, _free: Free) -> tuple[str, str]:
    with _source(step) as source:
        # Of a deleted file also what was added since it was looked at.
        size = os.fstat(source).st_size if step.source.startswith(_PROC) else step.count
        with staged(directory, [(source, size)], _access(step), _written(step), step.digest) as (name, digest):
            place(directory, name, step.target, os.path.join(os.path.dirname(step.path), step.target))
    return step.reason, digest


def _exchange(directory: int, step: Step, free: Free) -> tuple[str, str]:
    return _put(directory, step, free, False)


def _prepend(directory: int, step: Step, free: Free) -> tuple[str, str]:
    return _put(directory, step, free, True)


def _put(directory: int, step: Step, free: Free, with_log: bool) -> tuple[str, str]:
    if step.log is None:
        raise ValueError("a log to be replaced that was not looked at")
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(_source(step))
        parts = [(source, step.count)]
        if with_log:
            log = open_file(directory, step.target, step.path)
            stack.callback(os.close, log)
            unchanged(log, step.log, step.path)
            parts.append((log, step.log.size))
        name, digest = stack.enter_context(staged(directory, parts, _access(step), _written(step), step.digest))
        late = put_in_place(directory, name, step.target, step.aside, step.log, step.path, free)
    kept = f"; what it was is {step.aside}"
    return step.reason + kept + (f"; {late} bytes that came late were appended" if late else ""), digest


def _extend(directory: int, step: Step, _free: Free) -> tuple[str, str]:
    """Append what a deleted file has more than was saved of it."""
    saved = os.open(step.target, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        with _source(step) as source:
            if os.fstat(saved).st_size != step.skip or not begins_with(
                text(source, step.skip, ""), text(saved, step.skip, "")
            ):
                raise Changed(f"{step.target} was changed meanwhile.", "Run again.")
            position, size = step.skip, os.fstat(source).st_size
            while position < size:
                position += os.write(saved, os.pread(source, min(1 << 20, size - position), position))
            os.fsync(saved)
    finally:
        os.close(saved)
    return step.reason, ""


def _grant(directory: int, step: Step, _free: Free) -> tuple[str, str]:
    wanted, log = _access(step), open_file(directory, step.target, step.path)
    try:
        found = os.fstat(log)
        if step.log is None or identity(found).inode != step.log.inode or found.st_nlink > 1:
            raise Changed(f"{step.path} was changed meanwhile.", "Run again.")
        os.fchown(log, wanted.uid, wanted.gid)
        os.fchmod(log, wanted.mode)
    finally:
        os.close(log)
    return step.reason, ""


@contextlib.contextmanager
def _source(step: Step) -> Iterator[int]:
    """What is to be copied, opened, and the same as was looked at. Raises Changed, Unsafe, OSError."""
    if step.expected is None:
        raise ValueError("a source that was not looked at")
    if step.source.startswith(_PROC):
        source = os.open(step.source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    else:
        with opened(os.path.dirname(step.source)) as folder:
            source = open_file(folder, os.path.basename(step.source), step.source)
    try:
        if step.source.startswith(_PROC):
            found = identity(os.fstat(source))
            if found.inode != step.expected.inode or found.size < step.expected.size:
                raise Changed(f"pid {step.source.split('/')[2]} has closed it meanwhile.", "Run again.")
        else:
            unchanged(source, step.expected, step.source)
        yield source
    finally:
        os.close(source)


def _access(step: Step) -> Access:
    if step.access is None:
        raise Unsafe(f"Nobody knows who {step.path} should belong to.", "Declare owner, group and mode.")
    return step.access


def _written(step: Step) -> int:
    """When the newest lines of the new file were written."""
    newest = step.log if step.how == PREPEND else step.expected
    return newest.written if newest is not None else 0


def _nobody_writes(log: Identity) -> bool:
    writers = find_writers({log.inode}, lambda _path: False)
    return not writers.blind and not writers.by_inode


_WAYS: dict[str, Callable[[int, Step, Free], tuple[str, str]]] = {
    PLACE: _place,
    EXCHANGE: _exchange,
    PREPEND: _prepend,
    EXTEND: _extend,
    GRANT: _grant,
}
