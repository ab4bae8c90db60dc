# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timers of systemd with the units that they start, from their files: systemd itself need not answer."""

from __future__ import annotations

import os
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._indicators import texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import (
    Host,
    files_in,
    lines_of,
    read_mounts,
    read_text,
)
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.accounts import read_accounts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.schedule import signs
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream

# In systemd's order: a unit is the one that is found first.
_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/etc/systemd/user",
    "/usr/lib/systemd/user",
)
_OF_USERS = ".config/systemd/user"
_RUNS = ("ExecStart=", "ExecStartPre=", "ExecStartPost=", "ExecCondition=")


def timers(host: Host) -> Stream:
    """One item per timer: its text and that of the unit that it starts."""
    there, seen = False, set()
    for folder in _folders(host):
        try:
            paths = files_in(host.at(folder), "*.timer")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError:
            yield Mark("denied", texts.name(folder))
            continue
        there = True
        for path in paths:
            try:
                status = os.stat(path)
                if (status.st_dev, status.st_ino) in seen:  # /lib is /usr/lib
                    continue
                seen.add((status.st_dev, status.st_ino))
                yield _timer(host, folder, host.inner(path), status.st_mtime)
            except FileNotFoundError:
                continue
            except PermissionError:
                yield Mark("denied", texts.name(host.inner(path)))
            except OSError as error:
                yield Mark("note", f"{texts.name(host.inner(path))} was not read: {error.strerror}")
    if not there:
        yield Mark("absent", "there is no systemd")


def _folders(host: Host) -> Iterator[str]:
    yield from _FOLDERS
    try:
        homes = {account.home for account in read_accounts(host)}
    except OSError:
        return
    mounts = read_mounts(host)
    yield from (f"{home}/{_OF_USERS}" for home in sorted(homes) if home.startswith("/") and not mounts.remote(home))


def _timer(host: Host, folder: str, path: str, changed: float) -> Item:
    text = read_text(host.at(path))
    unit = next((row[5:].strip() for row in lines_of(text) if row.startswith("Unit=")), "")
    unit = unit or os.path.basename(path)[: -len(".timer")] + ".service"
    started = _unit(host, folder, unit)
    runs = [row.partition("=")[2] for row in lines_of(started) if row.startswith(_RUNS)]
    facts = {
        "path": texts.name(path),
        "unit": texts.name(unit),
        "runs": [texts.line(each) for each in runs[:5]],
        "signs": sorted({sign for each in runs for sign in signs(each)}),
        "packaged": path.startswith(("/usr/lib/", "/lib/")),
    }
    return Item(texts.name(path), texts.digest(text, started), facts, (changed,))


def _unit(host: Host, folder: str, unit: str) -> str:
    if "/" in unit:
        return ""
    template = unit.partition("@")[0] + "@.service"
    for place in (folder, *_FOLDERS):
        for name in (unit, *((template,) if "@" in unit else ())):
            try:
                return read_text(host.at(f"{place}/{name}"))
            except OSError:
                continue
    return ""
