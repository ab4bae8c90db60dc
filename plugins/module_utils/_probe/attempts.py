# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the kind of a probe to the function that carries out one attempt."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds import (
    command,
    dns,
    files,
    http,
    logs,
    manager,
    process,
    resources,
    tcp,
    tls,
    unix,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Outcome

# target, deadline (a value of the clock's monotonic), context; any exception counts as a failed attempt.
Attempt = Callable[[Any, float, Context], Outcome]

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
    "command": command.attempt,
    "file": files.attempt,
    "log": logs.attempt,
    "tls": tls.attempt,
    "dns": dns.attempt,
    "unix": unix.attempt,
}
