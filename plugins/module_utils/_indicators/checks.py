# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks by name: how each reads, what is odd for it, and which artifacts of a capture hold the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Mapping, Optional

from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.accounts import accounts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.keys import authorized_keys
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.listeners import listeners
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.logins import logins
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.packages import packages
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.preload import preload
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.privileges import privileges
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.processes import processes
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.schedule import schedule
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.timers import timers
from ansible_collections.toombos.incident.plugins.module_utils._indicators.rules import files, people, running
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Oddity, Stream

Odd = Callable[[Item], Optional[Oddity]]
Changed = Callable[[Item, str], Oddity]
LOGS = "logs"


@dataclass(frozen=True)
class Check:
    """``read`` is None for the logs: what it reads is the user's choice.

    ``new`` is None where being new says nothing; then the check needs no baseline to be clean. ``seconds``: at most.
    """

    name: str
    read: Callable[[Host], Stream] | None
    odd: Odd
    supports: tuple[str, ...]
    new: Odd | None = None
    changed: Changed | None = None
    seconds: float = 10.0


# The volatile first, the slow last.
CHECKS: Mapping[str, Check] = {
    check.name: check
    for check in (
        Check(
            "processes",
            processes,
            running.odd_process,
            ("processes/list", "processes/programs", "processes/open_files"),
        ),
        Check(
            "listeners",
            listeners,
            running.odd_listener,
            ("network/sockets", "network/raw_listeners"),
            running.new_listener,
            running.changed_listener,
        ),
        Check("preload", preload, running.odd_library, ("start/preload", "processes/environment")),
        Check(
            "logins",
            logins,
            people.odd_login,
            ("logins/history", "logins/failed", "sessions/now", "logs/authentication"),
            people.new_login,
        ),
        Check(
            "accounts",
            accounts,
            people.odd_account,
            ("users/list", "users/groups", "users/passwords"),
            people.new_account,
            people.changed_account,
        ),
        Check(
            "authorized_keys",
            authorized_keys,
            people.odd_key,
            ("users/authorized_keys", "ssh/server"),
            people.new_key,
            people.changed_key,
        ),
        Check(
            "schedule",
            schedule,
            files.odd_task,
            ("schedule/cron", "schedule/cron_users", "schedule/anacron", "schedule/at"),
            files.new_task,
            files.changed_task,
        ),
        Check(
            "timers",
            timers,
            files.odd_task,
            ("schedule/timers", "start/units", "start/units_users", "systemd/timers", "systemd/transient"),
            files.new_task,
            files.changed_task,
        ),
        Check(LOGS, None, running.odd_log, ("logs/authentication", "logs/system"), seconds=30.0),
        Check(
            "privileges",
            privileges,
            files.odd_privilege,
            ("files/programs", "files/local", "files/temporary", "files/homes", "files/services"),
            files.new_privilege,
            files.changed_privilege,
            seconds=60.0,
        ),
        Check("packages", packages, files.odd_package_file, ("packages/dpkg_digests", "files/programs"), seconds=90.0),
    )
}
