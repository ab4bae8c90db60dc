# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the kind of a probe to the function that carries out one attempt."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds import (
    command,
    http,
    manager,
    process,
    resources,
    tcp,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Outcome

# target, deadline (a value of the clock's monotonic), context; any exception counts as a failed attempt.
Attempt = Callable[[Any, float, Context], Outcome]


# What most catalogues do not ask is imported when it is asked: every call compiles what it imports.
def _file(target: Any, deadline: float, context: Context) -> Outcome:
    from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds import files

    return files.attempt(target, deadline, context)


def _log(target: Any, deadline: float, context: Context) -> Outcome:
    from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds import logs

    return logs.attempt(target, deadline, context)


def _tls(target: Any, deadline: float, context: Context) -> Outcome:
    from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds import tls

    return tls.attempt(target, deadline, context)


def _dns(target: Any, deadline: float, context: Context) -> Outcome:
    from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds import dns

    return dns.attempt(target, deadline, context)


def _unix(target: Any, deadline: float, context: Context) -> Outcome:
    from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds import unix

    return unix.attempt(target, deadline, context)


ATTEMPTS: Mapping[str, Attempt] = {
    "http": http.attempt,
    "tcp": tcp.attempt,
    "process": process.attempt_process,
    "supervisor": manager.attempt_supervisor,
    "systemd": manager.attempt_systemd,
    "port_owner": process.attempt_port_owner,
    "disk": resources.attempt_disk,
    "memory": resources.attempt_memory,
    "load": resources.attempt_load,
    "cpu": resources.attempt_cpu,
    "swap": resources.attempt_swap,
    "open_files": resources.attempt_open_files,
    "command": command.attempt,
    "file": _file,
    "log": _log,
    "tls": _tls,
    "dns": _dns,
    "unix": _unix,
}
