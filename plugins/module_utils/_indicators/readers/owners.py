# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package brought a file, as dpkg's lists say."""

from __future__ import annotations

import os
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import Host

INFO = "/var/lib/dpkg/info"
# Where both names lead to the same place.
_MERGED = ("/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/")


def owners(host: Host, paths: Sequence[str]) -> dict[str, str] | None:
    """Path → package, of those that have one; None where there is no dpkg to ask."""
    wanted: dict[bytes, str] = {}
    for path in paths:
        for name in _names(path):
            wanted[os.fsencode(name)] = path
    found: dict[str, str] = {}
    try:
        lists = sorted(name for name in os.listdir(host.at(INFO)) if name.endswith(".list"))
    except OSError:
        return None
    for name in lists:
        try:
            with open(host.at(f"{INFO}/{name}"), "rb") as file:
                for row in file:
                    path_ = wanted.get(row.rstrip(b"\n"))
                    if path_ is not None:
                        found[path_] = name[: -len(".list")].partition(":")[0]
        except OSError:
            continue
    return found


def _names(path: str) -> tuple[str, ...]:
    bare = path[len("/usr") :] if path.startswith("/usr/") else path
    return (path, bare) if path.startswith("/usr/") and bare.startswith(_MERGED) else (path,)
