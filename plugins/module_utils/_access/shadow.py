# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of /etc/shadow, as bytes: two fields of some entries change, and nothing else does. Pure."""

from __future__ import annotations

import hashlib
from typing import Mapping

from ansible_collections.toombos.incident.plugins.module_utils._access.types import Fields

PASSWORD, EXPIRE = 1, 7
_FIELDS = 9
# shadow(5): 0 must not be written, for it is read as never by some and as the first day of 1970 by others.
EXPIRED = b"1"


class BadEntry(ValueError):
    """Why an entry cannot be changed, in words."""


def fields_of(data: bytes, user: str) -> Fields:
    """The two fields of a user's entry. Raises BadEntry where there is not exactly one that can be understood."""
    found = [line for line in data.split(b"\n") if line.split(b":", 1)[0] == user.encode() and b":" in line]
    if not found:
        raise BadEntry("it has no entry in /etc/shadow; pwconv makes one")
    if len(found) > 1:
        raise BadEntry("it has more than one entry in /etc/shadow; pwck tells them apart")
    values = found[0].split(b":")
    if len(values) != _FIELDS:
        raise BadEntry("its entry in /etc/shadow is malformed; pwck shows it")
    return Fields(values[PASSWORD], values[EXPIRE])


def with_fields(data: bytes, wanted: Mapping[str, Fields]) -> bytes:
    """The file with other fields in these entries; every other byte stays. Raises BadEntry."""
    for user in wanted:
        fields_of(data, user)
    by_name = {user.encode(): fields for user, fields in wanted.items()}
    return b"\n".join(_changed(line, by_name) for line in data.split(b"\n"))


def locked(fields: Fields, today: int) -> Fields:
    """The same entry locked and expired; what is so already stays. ``today``: days since 1970.

    The password alone would not do: sshd lets keys in that belong to an account without one.
    """
    shut = fields.password.startswith((b"!", b"*"))
    return Fields(
        fields.password if shut else b"!" + fields.password,
        fields.expire if expired(fields, today) else EXPIRED,
    )


def expired(fields: Fields, today: int) -> bool:
    """Whether the day of expiry has come."""
    return fields.expire.isdigit() and 0 < int(fields.expire) <= today


def digest(fields: Fields) -> str:
    """What stands for a password field in a record, from which it cannot be taken."""
    return hashlib.sha256(fields.password).hexdigest()


def _changed(line: bytes, wanted: Mapping[bytes, Fields]) -> bytes:
    values = line.split(b":")
    fields = wanted.get(values[0])
    if fields is None:
        return line
    values[PASSWORD], values[EXPIRE] = fields.password, fields.expire
    return b":".join(values)
