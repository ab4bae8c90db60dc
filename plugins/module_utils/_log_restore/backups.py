# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of logs: directories with a date in their names, newest first, and whether a file in one may be believed."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from typing import Iterable

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import Malformed, read_path
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import Unsafe, open_file, opened

SUMS = "SHA256SUMS"
_PARTS = {part: rf"(?P<{part}>\d{{{4 if part == 'Y' else 2}}})" for part in "YmdHMS"}
_SUM = re.compile(rb"([0-9a-fA-F]{64}) [ *](?:\./)?(.+)")
_MOST = 8 << 20  # bytes of a file of digests
_EXAMPLE = "Write for example /opt/shop/backups/logs-%Y%m%d."


@dataclass(frozen=True)
class Backup:
    """A directory with copies of logs. ``when``: YYYYMMDDhhmmss."""

    path: str
    when: str

    @property
    def day(self) -> str:
        """YYYYMMDD."""
        return self.when[:8]


@dataclass(frozen=True)
class Pattern:
    """Where backups are: a directory, and what the names in it look like."""

    folder: str
    name: re.Pattern[str]


def read_pattern(value: str) -> Pattern:
    """``/opt/shop/backups/logs-%Y%m%d``: the last component holds ``%Y``, ``%m`` and ``%d``. Raises IncidentError."""
    try:
        path = read_path(value)
    except Malformed as problem:
        raise IncidentError(f"backups: {problem}.", _EXAMPLE) from problem
    folder, name = os.path.split(path)
    if "%" in folder:
        raise IncidentError(f"backups: {value!r} has a date before its last component.", _EXAMPLE)
    found, rest = "", name
    while rest:
        plain, sign, rest = rest.partition("%")
        found += re.escape(plain)
        if not sign:
            break
        if rest[:1] not in _PARTS or f"(?P<{rest[0]}>" in found:
            raise IncidentError(f"backups: {value!r} cannot be read at '%{rest[:1]}'.", _EXAMPLE)
        found, rest = found + _PARTS[rest[0]], rest[1:]
    if not all(f"(?P<{part}>" in found for part in "Ymd"):
        raise IncidentError(f"backups: {value!r} does not say where the date stands.", _EXAMPLE)
    return Pattern(folder, re.compile(found))


def read_day(value: str) -> str:
    """YYYYMMDDhhmmss up to which backups count, of ``2026-11-23`` or ``20261123``. Raises IncidentError."""
    found = re.fullmatch(r"(\d{4})-?(\d\d)-?(\d\d)", value.strip())
    if found is None or not _is_date(found[1] + found[2] + found[3]):
        raise IncidentError(f"as_of: {value!r} is no date.", "Write for example 2026-11-23.")
    return found[1] + found[2] + found[3] + "235959"


def find_backups(patterns: Iterable[Pattern], until: str) -> tuple[list[Backup], list[str]]:
    """All backups that are not newer than ``until``, newest first; and sentences about those that are of no use."""
    backups: dict[str, Backup] = {}
    useless = []
    for pattern in patterns:
        try:
            with opened(pattern.folder) as folder:
                names = os.listdir(folder)
        except FileNotFoundError:
            useless.append(f"{pattern.folder} does not exist")
            continue
        except IncidentError as error:
            useless.append(error.message.rstrip("."))
            continue
        for name in names:
            when = _when(pattern.name, name)
            if when and when <= until:
                path = os.path.join(pattern.folder, name)
                backups[path] = Backup(path, when)
    return sorted(backups.values(), key=lambda backup: (backup.when, backup.path), reverse=True), useless


def _when(pattern: re.Pattern[str], name: str) -> str:
    found = pattern.fullmatch(name)
    if found is None:
        return ""
    parts = {"H": "00", "M": "00", "S": "00", **found.groupdict()}
    when = "".join(parts[part] for part in "YmdHMS")
    return when if _is_date(when[:8]) else ""


def _is_date(day: str) -> bool:
    year, month, date = int(day[:4]), int(day[4:6]), int(day[6:])
    try:
        # What does not exist becomes another one: the thirtieth of February the first of March.
        return time.localtime(time.mktime((year, month, date, 12, 0, 0, 0, 0, -1)))[:3] == (year, month, date)
    except (ValueError, OverflowError):
        return False


def read_sums(directory: int, shown: str) -> dict[str, str] | None:
    """Name → SHA-256 as the backup itself says; None where it says nothing. Raises Unsafe."""
    path = os.path.join(shown, SUMS)
    try:
        descriptor = open_file(directory, SUMS, path)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise Unsafe(f"{path} is too long to be a list of digests.")
    sums = {}
    for line in data.splitlines():
        found = _SUM.fullmatch(line)
        if found is None and line.strip():
            raise Unsafe(f"{path} has a line that is no digest.")
        if found is not None:
            sums[os.fsdecode(found[2])] = found[1].decode().lower()
    return sums
