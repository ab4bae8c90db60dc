# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is run on time by cron, anacron and at: lines of tables, and scripts by their digests."""

from __future__ import annotations

import os
from typing import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._indicators import texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import (
    Host,
    Odd,
    files_in,
    lines_of,
    read_text,
)
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream

_TABLES = ("/etc/crontab", "/etc/anacrontab")
_FOLDERS_OF_TABLES = ("/etc/cron.d", "/var/spool/cron", "/var/spool/cron/crontabs", "/var/spool/cron/tabs")
_FOLDERS_OF_SCRIPTS = (
    *(f"/etc/cron.{each}" for each in ("hourly", "daily", "weekly", "monthly")),
    "/var/spool/at",
    "/var/spool/cron/atjobs",
)


def schedule(host: Host) -> Stream:
    """One item per line of a table and per script."""
    there = False
    for path in _TABLES:
        if os.path.lexists(host.at(path)):
            there = True
            yield from _table(host, path)
    for folders, read in ((_FOLDERS_OF_TABLES, _table), (_FOLDERS_OF_SCRIPTS, _script)):
        for folder in folders:
            try:
                paths = files_in(host.at(folder))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except PermissionError:
                there = True
                yield Mark("denied", folder)
                continue
            there = True
            for path in paths:
                yield from read(host, host.inner(path))
    if not there:
        yield Mark("absent", "nothing of cron, anacron or at is here")


def _table(host: Host, path: str) -> Stream:
    shown = texts.name(path)
    for text, changed in _read(host, path):
        if isinstance(text, Mark):
            yield text
            continue
        for row in lines_of(text):
            facts = {"path": shown, "line": texts.line(row), "signs": list(signs(row))}
            yield Item(f"{shown}: {texts.digest(' '.join(row.split()))}", "", facts, (changed,))


def _script(host: Host, path: str) -> Stream:
    shown = texts.name(path)
    for text, changed in _read(host, path):
        if isinstance(text, Mark):
            yield text
            continue
        if not text.strip() or os.path.basename(path) == ".placeholder":
            continue
        odd = [(row, told) for row, told in ((row, signs(row)) for row in lines_of(text)) if told]
        facts = {"path": shown, "line": texts.line(odd[0][0]) if odd else "", "signs": list(odd[0][1]) if odd else []}
        yield Item(shown, texts.digest(text), facts, (changed,))


def _read(host: Host, path: str) -> Iterator[tuple[str | Mark, float]]:
    try:
        yield read_text(host.at(path)), os.stat(host.at(path)).st_mtime
    except PermissionError:
        yield Mark("denied", texts.name(path)), 0.0
    except (FileNotFoundError, Odd) as error:
        why = "its target is missing" if isinstance(error, FileNotFoundError) else error.strerror
        yield Mark("note", f"{texts.name(path)} was not read: {why}"), 0.0
    except OSError as error:
        yield Mark("error", f"{texts.name(path)}: {error.strerror}"), 0.0


def signs(text: str) -> tuple[str, ...]:
    """What a command line has that breaches have."""
    from ansible_collections.toombos.incident.plugins.module_utils._indicators.rules.commands import told

    return told(text)
