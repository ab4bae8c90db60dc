# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of an investigation as a file on the controller."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._report_files import read_wish

_LONGEST = 30.0  # seconds: a dead mount must not keep the result from the screen


def directory_of(given: str, reports: Iterable[object], environment: Mapping[str, str]) -> str:
    """What was given, else where the targets' other reports go, else below the user's state directory.

    ``reports``: the variable ``incident_reports`` of each target.
    """
    if given.strip():
        return os.path.abspath(os.path.expanduser(given.strip()))
    for raw in reports:
        try:
            wish = read_wish(raw)
        except IncidentError:
            continue  # whoever writes those reports says what is wrong with it
        if wish is not None:
            return wish.directory
    home = environment.get("XDG_STATE_HOME") or os.path.join(environment.get("HOME", "/tmp"), ".local", "state")
    return os.path.join(home, "toombos-incident", "investigations")


def write(directory: str, incident: str, now: float, content: str) -> str:
    """Write the report and return its path; a report that is there stays. Raises IncidentError.

    For its owner only: log lines tell of people, also where all secrets are masked.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    names = (incident or stamp, f"{incident or 'at'}-{stamp}", f"{incident or 'at'}-{stamp}-{os.getpid()}")

    def save() -> str:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        paths = [os.path.join(directory, f"investigation-{each}.md") for each in names]
        path = next((each for each in paths if not os.path.lexists(each)), paths[-1])
        write_atomic(path, content.encode("utf-8", "replace"))
        return path

    clock = Clock()
    try:
        return call_by(clock.monotonic() + _LONGEST, clock, save)
    except Overdue as error:
        raise IncidentError(f"writing to {directory} takes longer than {_LONGEST:g}s", "Name another one.") from error
    except OSError as error:
        raise IncidentError(f"{directory}: {error.strerror}", "Name another one.") from error
