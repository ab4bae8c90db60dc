# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the configuration of a service stands: whether its files may be as they are, and whether they are known good."""

from __future__ import annotations

import fnmatch
import os
import time
from typing import Iterable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ConfigSpec, FileCheck, Service
from ansible_collections.toombos.incident.plugins.module_utils._config.contents import objection
from ansible_collections.toombos.incident.plugins.module_utils._config.good import prints, read_good
from ansible_collections.toombos.incident.plugins.module_utils._config.types import Good, Standing
from ansible_collections.toombos.incident.plugins.module_utils._generations.paths import paths_of
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Declaration
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

_MOST_BYTES = 4 << 20  # of a file that is checked; a larger one is none that people write
_MARGIN = 0.02  # seconds: a process is as old as a tick of the kernel's clock says


def declared(service: Service) -> Declaration:
    """The set of a service, under its name."""
    config = service.config
    return Declaration(service.name, config.files, config.globs, config.trees)


def standing(service: Service, store_dir: str, age: float | None) -> Standing:
    """Look at names, times and the content of what is checked; ``age`` is that of its process, None: none runs.

    What a process was started on before somebody changed it is neither a fault nor a proof: it runs on something else.
    """
    config = service.config
    if not (config.files or config.globs or config.trees):
        return Standing()
    paths = paths_of(declared(service))
    started = None if age is None else time.time() - age
    fault = faults(config, paths)
    if fault and started is not None and not _before(fault[0], started):
        fault = ()
    good = read_good(store_dir, service.name) if store_dir else None
    now = prints(paths) if store_dir else {}
    in_place = good is not None and good.prints == now
    known = _fallback(config, good) if not in_place else ""
    unproven = not in_place and bool(store_dir) and not fault and started is not None
    return Standing(
        fault=": ".join(fault),
        fallback=known,
        unproven=unproven and all(_before(path, started or 0.0) for path in paths),
    )


def _fallback(config: ConfigSpec, good: Good | None) -> str:
    if good:
        return f"{good.generation}, known good since {moment(good.proven)}"
    backups = [backup.path for backup in config.backups if os.path.isdir(backup.path)]
    return f"the newest valid backup of {', '.join(backups)} (nothing is known good yet)" if backups else ""


def faults(config: ConfigSpec, paths: Sequence[str]) -> tuple[str, str] | tuple[()]:
    """The first file that must not be as it is, and why; nothing when all may."""
    for check in config.checks:
        for path in checked(check, (*paths, *config.files)):
            try:
                problem = objection(check, _read(path))
            except OSError:
                continue  # what cannot be read is not judged
            if problem:
                return path, problem
    return ()


def checked(check: FileCheck, paths: Iterable[str]) -> list[str]:
    """The paths that a check is about. One that it names without a wildcard is meant whether it is there or not."""
    named = [each for each in check.files if not any(sign in each for sign in "*?[")]
    matching = [path for path in paths if any(fnmatch.fnmatchcase(path, each) for each in check.files)]
    return list(dict.fromkeys((*named, *matching)))


def _before(path: str, started: float) -> bool:
    """Whether the file was as it is when the process was started. Of one that is gone the directory tells, at best."""
    try:
        changed = os.lstat(path).st_ctime
    except OSError:
        try:
            changed = os.lstat(os.path.dirname(path)).st_ctime
        except OSError:
            return False
    return changed <= started + _MARGIN


def _read(path: str) -> bytes | None:
    """None when there is no such file. Raises OSError."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(_MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
