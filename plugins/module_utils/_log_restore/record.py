# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was changed, a line of JSON each, on the host: so that anybody can tell later which lines came from where."""

from __future__ import annotations

import json
import os
from typing import Any, Iterable

from ansible_collections.toombos.incident.plugins.module_utils._redact import redact


def append(store_dir: str, entries: Iterable[dict[str, Any]], *, at: str, owner: str, reason: str) -> str:
    """Add to ``<store_dir>/log_restore.jsonl``; why that failed, or nothing. What was done stays done."""
    lines = "".join(json.dumps({"at": at, "by": owner, "wish": redact(reason), **entry}) + "\n" for entry in entries)
    path = os.path.join(store_dir, "log_restore.jsonl")
    try:
        os.makedirs(store_dir, mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return f"{path} could not be written: {error.strerror}"
    return ""
