# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turning maintenance mode on and off. ``expire`` is what its deadline calls."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._command import run_command
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.place import (
    FOREIGN,
    Place,
    content_of,
    digest,
    put_flag,
    remove_flag,
)
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.types import Mode
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

EXPIRE = f"{__name__}:expire"


def turn_on(place: Place, mode: Mode, commands: bool = True) -> Mode:
    """Put everything on that the switch names; the record as it is then. Raises IncidentError or OSError.

    The record is written first: whatever ends this in the middle, it is known what has to be turned off.
    """
    flag = mode.switch.flag
    if flag is not None:
        now = digest(content_of(flag, mode))
        # Beside the one of before: this may be ended before the flag itself is replaced.
        mode = replace(mode, digests=(*mode.digests[-1:], now))
    place.write(replace(mode, complete=mode.complete and not commands))
    if commands:
        _run(mode.switch.on, mode.switch.timeout)
    if flag is not None:
        try:
            put_flag(flag, mode)
        except KeyError as error:
            raise IncidentError(
                f"The flag {flag.path} cannot be given to its owner: {error.args[0]}.", "Correct its owner and group."
            ) from error
    mode = replace(mode, complete=True)
    place.write(mode)
    return mode


def turn_off(place: Place, mode: Mode) -> str:
    """Undo all of it, then forget it; what is to be said about that. Raises IncidentError or OSError: it is on then.

    The flag goes even if a command fails, and is not touched where it is not ours.
    """
    said = ""
    problem: IncidentError | None = None
    try:
        _run(mode.switch.off, mode.switch.timeout)
    except IncidentError as error:
        problem = error
    flag = mode.switch.flag
    if flag is not None and remove_flag(flag, mode) == FOREIGN:
        said = f"the flag {flag.path} is not ours any more, and was left"
    if problem:
        raise problem
    place.remove()
    return said


def expire(store: str, mode_id: str) -> str:
    """The time is over: turn off what was turned on then, and nothing that came later."""
    place = Place(store)
    if not os.path.isdir(store):
        return "nothing is on"
    with place.locked():
        mode = place.read()
        if mode is None or mode.id != mode_id:
            return "it was off already"
        said = turn_off(place, mode)
    return f"turned off by its deadline{f'; {said}' if said else ''}"


def _run(commands: Sequence[Sequence[str]], timeout: float) -> None:
    for argv in commands:
        done = run_command(argv, timeout=timeout, cwd="/")
        if done.rc == 0:
            continue
        how = f"did not end within {timeout:g} s" if done.timed_out else done.error or f"ended with {done.rc}"
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        detail = f": {redact(last[0][:300])}" if last else ""
        raise IncidentError(f"The command {redact(' '.join(argv))} {how}{detail}.", "Correct incident_maintenance.")
