# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is and was logged in, from the binary records of login (utmp, wtmp, btmp) themselves."""

from __future__ import annotations

import os
import socket
import struct
from typing import Any, Iterator

# struct utmp of glibc on Linux, 384 bytes on every architecture with 32 bit times in it (see utmp(5)).
_RECORD = struct.Struct("=hxxi32s4s32s256shhiii4I20x")
_TYPES = {
    1: "run-level",
    2: "boot",
    3: "new-time",
    4: "old-time",
    5: "init",
    6: "login",
    7: "user",
    8: "ended",
    9: "accounting",
}


def logins(path: str) -> Iterator[dict[str, Any]]:
    """One record per entry of the file at ``path``, in its order. Raises OSError.

    ``time`` in seconds since the epoch. An incomplete entry at the end is told as such.
    """
    with open(path, "rb") as file:
        while True:
            data = file.read(_RECORD.size)
            if not data:
                return
            if len(data) < _RECORD.size:
                yield {"incomplete": len(data)}
                return
            record = _decoded(data)
            if record["type"] != 0:  # an empty slot
                yield record


def _decoded(data: bytes) -> dict[str, Any]:
    kind, pid, line, ident, user, host, _end, _exit, session, seconds, micro, *words = _RECORD.unpack(data)
    address = struct.pack("=4I", *words)
    return {
        "type": _TYPES.get(kind, kind),
        "pid": pid,
        "line": _word(line),
        "id": _word(ident),
        "user": _word(user),
        "host": _word(host),
        "session": session,
        "time": seconds + micro / 1_000_000,
        "address": _address(address),
    }


def _word(field: bytes) -> str:
    return os.fsdecode(field.partition(b"\0")[0])


def _address(packed: bytes) -> str:
    if not any(packed):
        return ""
    if not any(packed[4:]):
        return socket.inet_ntop(socket.AF_INET, packed[:4])
    return socket.inet_ntop(socket.AF_INET6, packed)
