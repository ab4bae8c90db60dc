# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a restored log belongs to, and who may read it: as declared, else as its neighbours, never more than before."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from typing import Callable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.places import Unsafe
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import Access

_WIDEST = 0o644
_DECLARABLE = 0o664  # nobody executes a log, and not everybody may write one


@dataclass(frozen=True)
class Policy:
    """What is declared; None: nothing."""

    uid: int | None = None
    gid: int | None = None
    mode: int | None = None


def read_policy(owner: str, group: str, mode: str) -> Policy:
    """Of names or numbers, and of a mode such as ``0640``; empty means not declared. Raises IncidentError."""
    return Policy(_number("owner", owner, _user), _number("group", group, _group), _mode(mode))


def for_new(policy: Policy, like: Access | None, siblings: Sequence[Access], place: Access, copy: Access) -> Access:
    """What a new file gets. ``like``: the log, where it exists; ``siblings``: the other logs, ``place``: the directory.

    Without a declared mode nobody may do more with it than with the copy, and than 0644 says.
    """
    common = Counter(siblings).most_common(1)
    model = like or (common[0][0] if common else replace(place, mode=_WIDEST))
    mode = policy.mode if policy.mode is not None else model.mode & copy.mode & _WIDEST
    return _declared(policy, replace(model, mode=mode))


def for_log(policy: Policy, own: Access) -> Access:
    """What a log should have that exists: what it has, but for what is declared."""
    return _declared(policy, own)


def check(wanted: Access, shown: str) -> None:
    """Raises Unsafe when this user cannot give it away."""
    if os.geteuid() == 0:
        return
    groups = {os.getegid(), *os.getgroups()}
    if wanted.uid != os.geteuid() or wanted.gid not in groups:
        raise Unsafe(f"{shown} would belong to {wanted.uid}:{wanted.gid}.", "Run with become: true.")


def _declared(policy: Policy, access: Access) -> Access:
    return Access(
        access.uid if policy.uid is None else policy.uid,
        access.gid if policy.gid is None else policy.gid,
        access.mode if policy.mode is None else policy.mode,
    )


def _number(option: str, value: str, look_up: Callable[[str], int]) -> int | None:
    if not value:
        return None
    if value.isdigit():
        return int(value)
    try:
        return look_up(value)
    except KeyError as error:
        raise IncidentError(f"{option}: {value!r} is not known on this host.", "Name one that exists.") from error


def _user(name: str) -> int:
    import pwd

    return pwd.getpwnam(name).pw_uid


def _group(name: str) -> int:
    import grp

    return grp.getgrnam(name).gr_gid


def _mode(value: str) -> int | None:
    if not value:
        return None
    try:
        mode = int(value, 8)
    except ValueError:
        mode = -1
    if mode < 0 or mode & ~_DECLARABLE or not mode & 0o400:
        raise IncidentError(f"mode: {value!r} is no mode for a log.", 'Write for example "0640" or "0644", in quotes.')
    return mode
