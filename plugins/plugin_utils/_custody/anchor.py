# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this controller remembers of its custody logs: an old one that is put back, signed and complete, is found."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

_HEADS = "custody-heads"


@dataclass(frozen=True)
class Anchor:
    """The number of the last record that this controller has written or seen, and its digest."""

    seq: int
    head: str


def state_directory() -> str:
    """Where this controller keeps its signing key and its memory, apart from the evidence."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(base, "toombos-incident")


def default_key() -> str:
    """The path of the signing key, where nobody names another one."""
    return os.path.join(state_directory(), "custody_ed25519")


def read_anchor(state: str, incident: str) -> Anchor | None:
    """What is remembered of this incident. Raises IncidentError when that cannot be read."""
    path = os.path.join(state, _HEADS, incident)
    try:
        with open(path, encoding="ascii") as file:
            known = json.load(file)
        return Anchor(int(known["seq"]), str(known["head"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise IncidentError(f"{path} is damaged.", "Compare the log with your backup, then remove it.") from error


def write_anchor(state: str, incident: str, anchor: Anchor) -> None:
    """Remember. Raises OSError."""
    directory = os.path.join(state, _HEADS)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    write_atomic(os.path.join(directory, incident), (json.dumps(vars(anchor), sort_keys=True) + "\n").encode())


def remembered(state: str) -> list[str]:
    """The incidents of which something is remembered."""
    try:
        return os.listdir(os.path.join(state, _HEADS))
    except FileNotFoundError:
        return []
