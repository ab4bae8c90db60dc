# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose process it becomes: looked up before the fork, where errors can still be told in words."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from ansible_collections.toombos.incident.plugins.module_utils._errors import ProcessError


@dataclass(frozen=True)
class Account:
    """A user as the kernel and the environment know it. ``switch``: it is not the one we run as."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    switch: bool


def find_account(user: str | None) -> Account:
    """The account named ``user``; None means our own.

    Raises ProcessError when it does not exist, or is another one than ours and we are not root.
    """
    own = os.geteuid()
    try:
        entry = pwd.getpwuid(own) if user is None else pwd.getpwnam(user)
    except KeyError:
        if user is not None:
            raise ProcessError(f"There is no user {user} on this host.", "Correct manager.user or create it.") from None
        return Account(str(own), own, os.getegid(), tuple(os.getgroups()), "/", switch=False)
    if entry.pw_uid != own and own != 0:
        raise ProcessError(
            f"Only root may start a process as {entry.pw_name}; this is uid {own}.", "Run with become: true."
        )
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir, switch=entry.pw_uid != own)
