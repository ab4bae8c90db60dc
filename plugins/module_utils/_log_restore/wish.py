# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks for, checked before anything is read; and which paths that means on this host."""

from __future__ import annotations

import fnmatch
import os
import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import Malformed, read_path
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._log_restore import names
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.access import Policy, read_policy
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.backups import (
    Backup,
    Pattern,
    read_day,
    read_pattern,
)

_EVERY = "99999999999999"  # later than all backups
_ALL = "*.log"  # what a directory means


@dataclass(frozen=True)
class Wish:
    """``targets``: (path, service), the last component perhaps a wildcard. ``until``: YYYYMMDDhhmmss."""

    targets: tuple[tuple[str, str], ...]
    patterns: tuple[Pattern, ...]
    until: str
    policy: Policy


def read_wish(options: Mapping[str, Any]) -> Wish:
    """Of the options of the module. Raises IncidentError."""
    targets = [(_path(path), "") for path in options["paths"] or ()]
    if options["only"] and options["services"] is None:
        raise IncidentError("only: names services, and none are given.", "Give services, or leave it out.")
    if options["services"] is not None:
        targets += _of_services(options["services"], options["only"])
    if not targets:
        raise IncidentError("There is no log to restore.", "Give paths, or services that have logs.")
    first = {path: (path, service) for path, service in reversed(targets)}
    return Wish(
        targets=tuple(target for target in dict.fromkeys(targets) if first[target[0]] == target),
        patterns=tuple(read_pattern(text) for text in options["backups"]),
        until=read_day(options["as_of"]) if options["as_of"] else _EVERY,
        policy=read_policy(options["owner"], options["group"], options["mode"]),
    )


def expand(targets: Sequence[tuple[str, str]], backups: Sequence[Backup]) -> dict[str, str]:
    """Path → service of all logs that are meant: those that are there, and those that a backup has."""
    found: dict[str, str] = {}
    for target, service in _without_directories(targets):
        folder, name = os.path.split(target)
        if not _is_wildcard(name):
            found.setdefault(target, service)
            continue
        for place in (folder, *(backup.path for backup in backups)):
            for entry in _listed(place):
                if fnmatch.fnmatchcase(entry, name) and not entry.startswith(".") and not names.is_ours(entry):
                    found.setdefault(os.path.join(folder, entry), service)
    return found


def is_log(targets: Sequence[tuple[str, str]], path: str) -> bool:
    """Whether a path is one of the logs, or of what rotation makes of them."""
    folder, name = os.path.split(path)
    if names.is_ours(name):
        return False
    for target, _service in _without_directories(targets):
        place, wanted = os.path.split(target)
        if place == folder and any(fnmatch.fnmatchcase(stem, wanted) for stem in _stems(name)):
            return True
    return False


def _stems(name: str) -> list[str]:
    """The name itself, and what it may have been before rotation added something to it."""
    return [name, *(name[: found.start()] for found in re.finditer(r"[.-](?=[\w.-]+\Z)", name) if found.start())]


def _of_services(raw: Mapping[str, Any], only: Sequence[str]) -> list[tuple[str, str]]:
    # Paths can be read without all that a catalogue needs.
    from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import select
    from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import parse_catalogue

    catalogue = parse_catalogue(raw)
    return [(path, name) for name in select(catalogue, only) for path in catalogue.services[name].logs]


def _without_directories(targets: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(os.path.join(path, _ALL) if _is_folder(path, service) else path, service) for path, service in targets]


def _is_folder(path: str, service: str) -> bool:
    """Whether somebody has named a directory. One that has the place of a log is no log, and is told so later."""
    return not service and not path.endswith(_ALL[1:]) and os.path.isdir(path) and not os.path.islink(path)


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []  # looking at the log itself will tell why


def _is_wildcard(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def _path(value: str) -> str:
    try:
        return read_path(value)
    except Malformed as problem:
        raise IncidentError(f"paths: {problem}.", "Write absolute paths.") from problem
