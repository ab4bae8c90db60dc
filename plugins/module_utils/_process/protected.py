# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that must never be taken for a service and never be signalled: this one and all that lead to it."""

from __future__ import annotations

import os

from ansible_collections.toombos.incident.plugins.module_utils._process.stat import read_stat


def protected_pids() -> frozenset[int]:
    """Pids 0 and 1, our own, and our ancestors: the module's shell, sudo, the ssh session, a local ansible-playbook."""
    found = {0, 1}
    pid = os.getpid()
    while pid not in found:
        found.add(pid)
        stat = read_stat(pid)
        pid = stat.ppid if stat is not None else 0
    return frozenset(found)
