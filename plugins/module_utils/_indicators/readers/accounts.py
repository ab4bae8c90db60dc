# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts, who may log in without a password, and who is in groups that can become root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generator, Iterator

from ansible_collections.toombos.incident.plugins.module_utils._indicators import texts
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import Host, read_text
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Stream

ELEVATED = frozenset({"root", "sudo", "wheel", "admin", "docker", "lxd", "libvirt", "disk", "shadow"})
_NO_LOGIN = ("nologin", "false", "sync", "halt", "shutdown")


@dataclass(frozen=True)
class Account:
    """A line of /etc/passwd."""

    name: str
    password: str
    uid: str
    gid: str
    home: str
    shell: str

    @property
    def may_log_in(self) -> bool:
        """Whether its shell is one. An empty one is /bin/sh."""
        return not self.shell.endswith(_NO_LOGIN)


def read_accounts(host: Host) -> list[Account]:
    """Those that can be understood. Raises OSError."""
    return [account for account in map(_account, _rows(host, "/etc/passwd")) if account]


def accounts(host: Host) -> Stream:
    """One item per account and per member of a group that can become root; nothing of any password."""
    try:
        rows = list(_rows(host, "/etc/passwd"))
    except FileNotFoundError:
        yield Mark("absent", "there is no /etc/passwd")
        return
    except PermissionError:
        yield Mark("denied", "/etc/passwd")
        return
    empty = yield from _without_password(host)
    for row in rows:
        account = _account(row)
        if account is None:
            yield Item(f"line {texts.digest(row)}", facts={"path": "/etc/passwd", "malformed": True})
            continue
        facts = {
            "path": "/etc/passwd",
            "user": texts.name(account.name),
            "uid": int(account.uid),
            "home": texts.name(account.home),
            "shell": texts.name(account.shell),
            "logs_in": account.may_log_in,
            "open": account.password == "" or (account.password == "x" and account.name in empty),
        }
        yield Item(f"user {texts.name(account.name)}", texts.digest(account.uid, account.shell, account.home), facts)
    yield from _members(host)


def _rows(host: Host, path: str) -> Iterator[str]:
    return (row for row in read_text(host.at(path)).split("\n") if row.strip() and not row.startswith("#"))


def _account(row: str) -> Account | None:
    fields = row.split(":")
    if len(fields) != 7 or not fields[2].isdigit() or not fields[2].isascii() or len(fields[2]) > 12:
        return None
    return Account(fields[0], fields[1], fields[2], fields[3], fields[5], fields[6])


def _without_password(host: Host) -> Generator[Mark, None, frozenset[str]]:
    """The names of those that need none."""
    try:
        rows = list(_rows(host, "/etc/shadow"))
    except FileNotFoundError:
        return frozenset()
    except PermissionError:
        yield Mark("denied", "/etc/shadow")
        return frozenset()
    return frozenset(row.split(":")[0] for row in rows if row.split(":")[1:2] == [""])


def _members(host: Host) -> Stream:
    try:
        rows = list(_rows(host, "/etc/group"))
    except OSError:
        yield Mark("note", "/etc/group cannot be read")
        return
    for row in rows:
        fields = row.split(":")
        if len(fields) == 4 and fields[0] in ELEVATED:
            for member in filter(None, fields[3].split(",")):
                user = texts.name(member)
                yield Item(f"member {fields[0]} {user}", facts={"path": "/etc/group", "group": fields[0], "user": user})
