# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes whose program is deleted, nowhere, or where everybody may write, or which claim to be the kernel's."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.processes import boot_time
from ansible_collections.toombos.incident.plugins.module_utils._indicators import texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream
from ansible_collections.toombos.incident.plugins.module_utils._process.stat import GONE
from ansible_collections.toombos.incident.plugins.module_utils._process.table import list_pids, read_process
from ansible_collections.toombos.incident.plugins.module_utils._process.types import Process
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_DELETED = " (deleted)"
TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/")


def processes(host: Host) -> Stream:
    """One item per such process; what cannot be looked at is told."""
    try:
        pids = list_pids(host.proc)
    except FileNotFoundError:
        yield Mark("absent", "there is no /proc")
        return
    boot, ticks, denied = boot_time(host.proc), os.sysconf("SC_CLK_TCK"), 0
    for pid in pids:
        process = read_process(pid, host.proc)
        if process is None or process.state in GONE:
            continue
        if process.exe is None:
            # Threads of the kernel have no program, and no arguments.
            denied += bool(process.argv) and not os.access(f"{host.proc}/{pid}/exe", os.R_OK)
            continue
        facts = _oddities(host, process)
        if facts:
            command = texts.line(redact("\n".join(process.argv)).replace("\n", " "))
            shown = {"pid": pid, "exe": texts.name(process.exe), "uid": process.uid, "command": command, **facts}
            yield Item(f"{shown['exe']} {command}", "", shown, (round(boot + process.start / ticks, 2),))
    if denied:
        yield Mark("denied", f"the program of {denied} processes")


def _oddities(host: Host, process: Process) -> dict[str, Any]:
    path = process.exe or ""
    deleted = path.endswith(_DELETED)
    bare = path[: -len(_DELETED)] if deleted else path
    odd: dict[str, Any] = {}
    if bare.startswith("/memfd:"):
        odd["memory"] = True
    elif deleted:
        # Below its own root: that of a container is another one.
        odd["deleted"] = True
        odd["replaced"] = os.path.lexists(f"{host.proc}/{process.pid}/root{bare}")
    if bare.startswith(TEMPORARY):
        odd["temporary"] = True
    if process.argv and process.argv[0].startswith("[") and process.argv[0].rstrip().endswith("]"):
        odd["disguised"] = True
    return odd
