# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Libraries that are loaded into programs before their own: for all of them, and for those that run."""

from __future__ import annotations

import os

from ansible_collections.toombos.incident.plugins.module_utils._indicators import texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import Host, Odd, read_text
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream
from ansible_collections.toombos.incident.plugins.module_utils._process.table import list_pids

_FILE = "/etc/ld.so.preload"
_VARIABLES = (b"LD_PRELOAD=", b"LD_AUDIT=")
_LARGEST = 1 << 20


def preload(host: Host) -> Stream:
    """One item per library that is named; of environments nothing else is looked at."""
    try:
        named = read_text(host.at(_FILE)).split()
    except FileNotFoundError:
        named = []
    except PermissionError:
        yield Mark("denied", _FILE)
        named = []
    except Odd as error:
        yield Item(_FILE, str(error), {"path": _FILE, "library": "", "odd": error.strerror})
        named = []
    for library in named:
        yield Item(f"{_FILE} {texts.name(library)}", "", {"path": _FILE, "library": texts.name(library)})
    yield from _running(host)


def _running(host: Host) -> Stream:
    try:
        pids = list_pids(host.proc)
    except FileNotFoundError:
        yield Mark("note", "there is no /proc: what runs was not looked at")
        return
    denied = 0
    found: dict[tuple[str, str], list[int]] = {}
    for pid in pids:
        try:
            with open(f"{host.proc}/{pid}/environ", "rb") as file:
                data = file.read(_LARGEST)
        except PermissionError:
            denied += 1
            continue
        except OSError:
            continue
        for entry in data.split(b"\0"):
            if entry.startswith(_VARIABLES):
                variable, _sign, value = os.fsdecode(entry).partition("=")
                for library in value.replace(":", " ").split():
                    found.setdefault((variable, texts.name(library)), []).append(pid)
    for (variable, library), holders in sorted(found.items()):
        facts = {"variable": variable, "library": library, "pids": holders[:20], "processes": len(holders)}
        yield Item(f"{variable} {library}", "", facts)
    if denied:
        yield Mark("denied", f"the environment of {denied} processes")
