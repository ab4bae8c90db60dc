# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is there, who runs this, and what is theirs. Changes nothing."""

from __future__ import annotations

import os
from typing import Iterator, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._access import people
from ansible_collections.toombos.incident.plugins.module_utils._access.processes import (
    SSHD,
    read_processes,
    same_address,
)
from ansible_collections.toombos.incident.plugins.module_utils._access.shadow_file import read_shadow
from ansible_collections.toombos.incident.plugins.module_utils._access.types import (
    Account,
    Observed,
    Responder,
    Seen,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._ssh_session import connection_of

_NAMES = (b"USER=", b"LOGNAME=")


def observe(users: Sequence[str], *, others: bool, etc: str = "/etc", proc: str = "/proc") -> Observed:
    """``users``: to be locked; ``others``: sessions are to be ended. Raises IncidentError for what cannot be read."""
    if os.geteuid() != 0 and (users or others):
        raise IncidentError("Only root may take access away.", "Run with become: true.")
    try:
        # Without users nothing of /etc/shadow matters, and a host may have none.
        accounts = people.read_accounts(read_shadow(etc) if users else b"", etc)
        processes = read_processes(proc)
    except OSError as error:
        raise IncidentError(f"{error.filename} cannot be read: {error.strerror}.", "Nothing was changed.") from error
    return Observed(
        accounts=accounts,
        responder=find_responder(processes, accounts, os.getpid(), proc),
        processes=processes,
        missing=people.missing(users, accounts),
    )


def find_responder(processes: Mapping[int, Seen], accounts: Mapping[str, Account], pid: int, proc: str) -> Responder:
    """From what has led to this process: the shell that sshd has started, and whose login the kernel says it is."""
    chain = list(_above(processes, pid))
    below_sshd = []
    for process in chain:
        if process.program in SSHD or process.program == "login":
            break
        below_sshd.append(process)
    came_by_ssh = len(below_sshd) < len(chain) and chain[len(below_sshd)].program in SSHD
    logged_in = len(below_sshd) < len(chain) and below_sshd != []
    # Without a login in sight it is whoever we are, and whoever has become that.
    shell = below_sshd[-1] if logged_in else chain[0]
    names = set(_names(shell, accounts, proc))
    logins = {process.login for process in below_sshd} - {None, shell.uids[0]}
    sudo = os.environ.get("SUDO_UID", "") if not logged_in else ""
    logins |= {int(sudo)} if sudo.isdigit() else set()
    names |= {account.name for account in accounts.values() if account.uid in logins}
    address = same_address(connection_of(pid, proc).split(" ")[0])
    if not address and came_by_ssh:
        address = next((process.peer for process in chain if process.program in SSHD and process.peer), "")
    return Responder(
        chain=frozenset({1, *(process.pid for process in chain)}),
        names=frozenset(names),
        uid=shell.uids[0],
        address=address,
    )


def _above(processes: Mapping[int, Seen], pid: int) -> Iterator[Seen]:
    known: set[int] = set()
    while pid in processes and pid not in known:
        known.add(pid)
        yield processes[pid]
        pid = processes[pid].ppid


def _names(shell: Seen, accounts: Mapping[str, Account], proc: str) -> Iterator[str]:
    """Of several accounts with one uid, the one that the login itself names: another one may be an intruder's."""
    uid = shell.uids[0]
    for name in _told(f"{proc}/{shell.pid}/environ"):
        if (accounts[name].uid if name in accounts else uid) == uid:
            yield name
            return
    yield from (account.name for account in accounts.values() if account.uid == uid)


def _told(path: str) -> Iterator[str]:
    try:
        with open(path, "rb") as file:
            values = file.read(1 << 20).split(b"\0")
    except OSError:
        return
    for value in values:
        for prefix in _NAMES:
            if value.startswith(prefix):
                yield value[len(prefix) :].decode("utf-8", "replace")
