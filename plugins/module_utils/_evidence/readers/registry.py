# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The native readers by the names that artifacts know them by."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Iterator, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.bodyfile import bodyfile
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.lines import as_lines
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.logins import logins
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.masks import OfNames
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.processes import (
    mapped_programs,
    of_each,
    open_files,
    processes,
)
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.sockets import sockets
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.timeline import (
    file_events,
    login_events,
    process_events,
    system_events,
)

Reader = Callable[[], Iterable[bytes]]
_TREES = {
    "configuration": ("/etc",),
    "programs": ("/usr/bin", "/usr/sbin", "/usr/lib/systemd", "/boot"),
    "local": ("/usr/local", "/opt"),
    "temporary": ("/tmp", "/var/tmp", "/dev/shm", "/run/user"),
    "homes": ("/root", "/home"),
    "services": ("/srv", "/var/www", "/var/spool"),
}


def _records(read: Callable[..., Iterator[Mapping[str, Any]]], *arguments: str) -> Reader:
    return lambda: as_lines(read(*arguments))


def _names(read: Callable[..., Iterable[bytes]], *arguments: Any) -> Reader:
    return OfNames(lambda mask: read(*arguments, mask=mask))


def _events(read: Callable[..., Iterator[Mapping[str, Any]]], *arguments: Any) -> Reader:
    return OfNames(lambda mask: as_lines(read(*arguments, mask=mask)))


READERS: dict[str, Reader] = {
    "processes": _records(processes),
    "open_files": _records(open_files),
    "mapped_programs": _records(mapped_programs),
    **{
        f"process_{name}": _records(of_each, name)
        for name in ("limits", "io", "wchan", "oom_score", "cgroup", "mountinfo")
    },
    "sockets": _records(sockets),
    "sessions": _records(logins, "/run/utmp"),
    "logins_history": _records(logins, "/var/log/wtmp"),
    "logins_failed": _records(logins, "/var/log/btmp"),
    **{f"bodyfile_{name}": _names(bodyfile, trees) for name, trees in _TREES.items()},
    **{f"timeline_{name}": _events(file_events, trees) for name, trees in _TREES.items()},
    "timeline_sessions": _events(login_events, "/run/utmp"),
    "timeline_logins": _events(login_events, "/var/log/wtmp"),
    "timeline_failed_logins": _events(login_events, "/var/log/btmp", True),
    "timeline_processes": _events(process_events),
    "timeline_system": _events(system_events),
}
