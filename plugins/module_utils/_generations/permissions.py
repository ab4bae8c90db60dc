# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owner and mode of a path by declaration, for what a backup cannot tell."""

from __future__ import annotations

import fnmatch
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Permission
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import SYMLINK

_LINK_MODE = 0o777
_NOBODY_KNOWS = "Declare its owner, group and mode in config.permissions; nothing is guessed."


def permission_of(path: str, kind: str, declared: Sequence[Permission]) -> tuple[int, int, int]:
    """Mode, uid and gid; of several declarations the later ones win, each for what it says.

    Raises IncidentError when one of them is not declared, or the owner or group is not known on this host.
    """
    owner = group = mode = None
    for each in declared:
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in each.files):
            owner = each.owner if each.owner is not None else owner
            group = each.group if each.group is not None else group
            mode = each.mode if each.mode is not None else mode
    if kind == SYMLINK:
        mode = _LINK_MODE
    if owner is None or group is None or mode is None:
        missing = [word for word, value in (("owner", owner), ("group", group), ("mode", mode)) if value is None]
        raise IncidentError(
            f"{shown(path)} is not in place, and its {' and '.join(missing)} is not declared.", _NOBODY_KNOWS
        )
    return mode, _uid(owner, path), _gid(group, path)


def _uid(owner: str, path: str) -> int:
    import pwd

    try:
        return int(owner) if owner.isdecimal() else pwd.getpwnam(owner).pw_uid
    except KeyError:
        raise IncidentError(f"There is no user {owner}, who should own {shown(path)}.", _NOBODY_KNOWS) from None


def _gid(group: str, path: str) -> int:
    import grp

    try:
        return int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise IncidentError(f"There is no group {group}, which should own {shown(path)}.", _NOBODY_KNOWS) from None
