# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Over which connection this process was started, so that a confirmation over the old one can be told from a new one.

sshd tells each session its addresses and ports in SSH_CONNECTION. Sessions that share a connection (ControlPersist)
have the same; sudo takes the variable away, so that it is looked for in the processes above, too.
"""

from __future__ import annotations

import os

from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat

_NAME = b"SSH_CONNECTION="
_MOST_PARENTS = 32


def connection_of(pid: int | None = None, proc: str = "/proc") -> str:
    """``<client> <port> <server> <port>`` of the session that the process belongs to; empty where there is no ssh."""
    current = os.getpid() if pid is None else pid
    for _step in range(_MOST_PARENTS):
        found = _told(f"{proc}/{current}/environ")
        if found:
            return found
        stat = read_stat(current, proc)
        if stat is None or stat.ppid <= 1:
            return ""
        current = stat.ppid
    return ""


def _told(path: str) -> str:
    try:
        with open(path, "rb") as file:
            values = file.read(1 << 20).split(b"\0")
    except OSError:
        return ""
    found = [each[len(_NAME) :] for each in values if each.startswith(_NAME)]
    return found[0].decode("ascii", "replace") if found else ""
