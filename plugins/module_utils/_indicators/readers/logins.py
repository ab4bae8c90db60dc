# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who was and is logged in from where, and whether the records of that were tampered with."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.logins import logins as records
from ansible_collections.toombos.incident.plugins.module_utils._indicators import texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.accounts import read_accounts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream

_NOW = ("/run/utmp", "/var/run/utmp")
_THEN = "/var/log/wtmp"
_FAILED = "/var/log/btmp"
_RECORD = 384
_MOST_BYTES = 64 << 20
_TIMES = 20  # of a user from one place that are shown, the last ones


def logins(host: Host) -> Stream:
    """One item per user and origin, one per origin of failures, one per file that was tampered with."""
    found: dict[str, dict[str, Any]] = {}
    there = False
    known = _known(host)
    for path in (*_NOW, _THEN):
        if path == _NOW[1] and found:
            continue  # the same under its old name
        yield from _read(host, path, found, known)
        there = there or os.path.lexists(host.at(path))
    if not there:
        yield Mark("absent", "there are no records of logins (utmp, wtmp)")
        return
    failed: dict[str, int] = {}
    yield from _failures(host, failed)
    for key in sorted(found):
        facts = found[key]
        times = tuple(sorted(facts.pop("times"))[-_TIMES:])
        yield Item(key, "", {**facts, "failed": failed.get(facts["origin"], 0)}, times)
    for origin, count in sorted(failed.items()):
        yield Item(f"failed from {origin}", "", {"origin": origin, "failed": count, "path": _FAILED})


def _known(host: Host) -> frozenset[str] | None:
    try:
        return frozenset(account.name for account in read_accounts(host))
    except OSError:
        return None


def _read(host: Host, path: str, found: dict[str, dict[str, Any]], known: frozenset[str] | None) -> Stream:
    try:
        if os.path.getsize(host.at(path)) > _MOST_BYTES:
            yield Mark("error", f"{path} is larger than {_MOST_BYTES >> 20} MiB")
            return
        for record in records(host.at(path)):
            if "incomplete" in record:
                yield Item(f"{path} incomplete", "", {"path": path, "tampered": "ends within an entry"})
            elif record["type"] == "user" and record["user"]:
                if path in _NOW or host.since is None or record["time"] >= host.since:
                    _enter(found, record, path in _NOW, known)
        if path == _THEN and _emptied(host.at(path)):
            yield Item(f"{path} emptied", "", {"path": path, "tampered": "has entries that were made empty"})
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError:
        yield Mark("denied", path)
    except OSError as error:
        yield Mark("error", f"{path}: {error.strerror}")


def _enter(found: dict[str, dict[str, Any]], record: dict[str, Any], now: bool, known: frozenset[str] | None) -> None:
    user = texts.name(record["user"])
    # A name that the other side has chosen is worth less than its address.
    origin = record["address"] or texts.name(record["host"]) or "this host"
    facts = found.setdefault(
        f"{user} from {origin}",
        {"user": user, "origin": origin, "count": 0, "now": False, "terminal": "", "times": set(), "path": _THEN},
    )
    facts["unknown"] = known is not None and record["user"] not in known
    facts["times"].add(record["time"])
    facts["count"] = len(facts["times"])
    facts["terminal"] = texts.name(record["line"])
    facts["now"] = facts["now"] or now


def _emptied(path: str) -> bool:
    """Whether an entry is all zeros: programs only add entries, who wants to be forgotten overwrites his own."""
    with open(path, "rb") as file:
        while True:
            data = file.read(_RECORD)
            if len(data) < _RECORD:
                return False
            if not any(data):
                return True


def _failures(host: Host, failed: dict[str, int]) -> Stream:
    path = _FAILED
    try:
        if os.path.getsize(host.at(path)) > _MOST_BYTES:
            yield Mark("note", f"{path} is larger than {_MOST_BYTES >> 20} MiB and was not read")
            return
        for record in records(host.at(path)):
            if "time" in record and (host.since is None or record["time"] >= host.since):
                origin = record["address"] or texts.name(record["host"]) or "this host"
                failed[origin] = failed.get(origin, 0) + 1
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError:
        yield Mark("denied", path)
    except OSError as error:
        yield Mark("error", f"{path}: {error.strerror}")
