# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which systemd unit keeps a process."""

from __future__ import annotations

import re

from ansible_collections.toombos.incident.plugins.module_utils._managers.systemd import show_unit

_UNIT = re.compile(r"/([^/]+\.service)$")


def unit_of_main_process(pid: int, proc: str = "/proc") -> str:
    """The unit whose main process this is; empty when there is none, or no systemd to ask.

    A cgroup alone proves nothing: whatever an administrator starts over ssh may live in the cgroup of sshd's unit.
    """
    try:
        with open(f"{proc}/{pid}/cgroup", encoding="utf-8") as file:
            found = [_UNIT.search(line.strip()) for line in file]
    except (OSError, UnicodeDecodeError):
        return ""
    units = {match.group(1).encode().decode("unicode_escape") for match in found if match}
    return next((unit for unit in sorted(units) if show_unit(unit).get("MainPID") == str(pid)), "")
