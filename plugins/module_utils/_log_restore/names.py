# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of files that log recovery makes beside a log, and how it knows them again."""

from __future__ import annotations

import os
import re

# No program that rotates or searches logs takes these for logs.
RESTORED, RECOVERED, ASIDE = "restored", "recovered", "corrupt"
BEFORE = "before"
_OURS = re.compile(r"\.(?:restored-\d{8}|recovered-\d+|corrupt-\d{8}T\d{6}Z|before-\d{8}T\d{6}Z)\Z")
_KEPT = re.compile(r"(.+)\.(?:corrupt|before)-\d{8}T\d{6}Z")
_STAGED = re.compile(r"\.incident-restore\.[0-9a-f]{16}\.part\Z")


def restored(name: str, day: str) -> str:
    """Where the content of a backup is put beside a log; ``day`` as YYYYMMDD."""
    return f"{name}.{RESTORED}-{day}"


def recovered(name: str, number: int) -> str:
    """Where the content of a deleted file is saved; ``number``: its inode."""
    return f"{name}.{RECOVERED}-{number}"


def aside(name: str, kind: str, stamp: str) -> str:
    """Where what is replaced stays; ``stamp`` as YYYYMMDDThhmmssZ."""
    return f"{name}.{kind}-{stamp}"


def is_ours(name: str) -> bool:
    """Whether log recovery has put the file there."""
    return bool(_OURS.search(name)) or is_staged(name)


def staged() -> str:
    """A new name for a file that is not complete yet."""
    return f".incident-restore.{os.urandom(8).hex()}.part"


def is_staged(name: str) -> bool:
    """Whether a run has left it there that did not come to its end."""
    return bool(_STAGED.match(name))


def of_log(name: str, log: str) -> bool:
    """Whether the file has been put beside this log."""
    return name.startswith(f"{log}.") and bool(_OURS.fullmatch(name[len(log) :]))


def kept_of(name: str) -> str:
    """The name of the log that was kept under this one; empty for others."""
    found = _KEPT.fullmatch(name)
    return found[1] if found else ""
