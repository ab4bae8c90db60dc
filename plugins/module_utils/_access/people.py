# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of this host: who they are, who can log in, who can become root."""

from __future__ import annotations

import contextlib
import os
import re
import time
from typing import Collection, Iterable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._access import shadow
from ansible_collections.toombos.incident.plugins.module_utils._access.types import Account, Fields

_GROUPS = frozenset({"root", "sudo", "wheel", "admin"})
_NO_SHELL = ("nologin", "false", "sync", "halt", "shutdown")
_KEYS = (".ssh/authorized_keys", ".ssh/authorized_keys2")
_DAY = 86400
_MOST = 1 << 20  # bytes of a file of sudo
_RULE = re.compile(r"^\s*(%?[\w.-]+\$?)\s+\S+\s*=", re.MULTILINE)


def read_accounts(shadow_data: bytes, etc: str = "/etc", root: str = "") -> dict[str, Account]:
    """Those of /etc/passwd by name; an entry that cannot be understood is none. ``root``: where homes lie.

    Raises OSError.
    """
    rows = [row.split(":") for row in _lines(f"{etc}/passwd")]
    known = [row for row in rows if len(row) == 7 and row[0] and row[2].isdigit() and row[2].isascii()]
    names = _elevated(etc, known)
    found: dict[str, Account] = {}
    for name, _password, uid, _gid, _words, home, shell in known:
        if name in found or name[0] in "+-":
            continue
        fields, problem = _fields(shadow_data, name)
        found[name] = Account(
            name=name,
            uid=int(uid),
            logs_in=fields is not None and _logs_in(fields, shell, root + home),
            elevated=int(uid) == 0 or name in names,
            fields=fields,
            problem=problem,
        )
    return found


def today() -> int:
    """Days since 1970, as expiry is counted."""
    return int(time.time()) // _DAY


def missing(users: Iterable[str], accounts: Mapping[str, Account]) -> dict[str, str]:
    """Names that are no local accounts → what is known of them all the same."""
    return {user: _elsewhere(user) for user in users if user not in accounts}


def _elsewhere(user: str) -> str:
    import pwd

    try:
        pwd.getpwnam(user)
    except (KeyError, OSError, ValueError):
        return ""
    return "it is one of a directory (LDAP, AD, NIS)"


def _fields(data: bytes, name: str) -> tuple[Fields | None, str]:
    try:
        return shadow.fields_of(data, name), ""
    except (shadow.BadEntry, UnicodeError) as error:
        return None, str(error)


def _logs_in(fields: Fields, shell: str, home: str) -> bool:
    if shell.endswith(_NO_SHELL) or shadow.expired(fields, today()):
        return False
    password = bool(fields.password) and not fields.password.startswith((b"!", b"*"))
    return password or any(_has_content(os.path.join(home, name)) for name in _KEYS)


def _has_content(path: str) -> bool:
    try:
        return os.path.getsize(path) > 0
    except OSError:
        return False


def _elevated(etc: str, passwd: list[list[str]]) -> frozenset[str]:
    """Who is in a group that can become root, or is named by sudo; aliases and directories of sudo are not followed."""
    rules = _rules(etc)
    groups = {*_GROUPS, *(rule[1:] for rule in rules if rule.startswith("%"))}
    names = {rule for rule in rules if not rule.startswith("%")}
    gids = set()
    with contextlib.suppress(OSError):
        for row in (line.split(":") for line in _lines(f"{etc}/group")):
            if len(row) == 4 and row[0] in groups:
                gids.add(row[2])
                names.update(filter(None, row[3].split(",")))
    names.update(row[0] for row in passwd if row[3] in gids)
    return frozenset(names)


def _rules(etc: str) -> Collection[str]:
    found: set[str] = set()
    paths = [f"{etc}/sudoers"]
    with contextlib.suppress(OSError):
        paths += [os.path.join(f"{etc}/sudoers.d", name) for name in os.listdir(f"{etc}/sudoers.d") if "." not in name]
    for path in paths:
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="surrogateescape") as file:
            found.update(_RULE.findall(file.read(_MOST)))
    return found


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        return [line.rstrip("\n") for line in file if not line.startswith("#")]
