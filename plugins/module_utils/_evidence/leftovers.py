# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures on this host that nobody has fetched, whole or not. None of them is ever removed from here."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._evidence.place import RECORD, held

_LONGEST = 16 << 20  # bytes of a record
_PASSED_ON = ("bag", "directory", "package", "tagmanifest_sha256", "payload", "clock", "incident")


def leftovers(directory: str, but: str) -> list[dict[str, Any]]:
    """Those in ``directory`` except ``but``: ``bag``, ``directory``, ``complete``, and of complete ones their record.

    What another capture works on right now is none. Raises OSError.
    """
    found = []
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if name == but or os.path.islink(path) or not os.path.isdir(path):
            continue
        with held(path) as free:
            if free:
                record = _record(path, name)
                found.append({"bag": name, "directory": path, "complete": record is not None, **(record or {})})
    return found


def _record(path: str, bag: str) -> dict[str, Any] | None:
    """What its package.json says, if that is true as far as can be seen without reading everything again."""
    try:
        with open(os.path.join(path, RECORD), encoding="utf-8") as file:
            record = json.loads(file.read(_LONGEST))
        kept = {key: record[key] for key in _PASSED_ON if key in record}
        parts = kept["package"]["parts"]
        good = all(os.path.getsize(part["path"]) == part["size"] for part in parts)
        return kept if parts and good and kept["bag"] == bag and kept["directory"] == path else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
