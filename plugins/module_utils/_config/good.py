# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which configuration of a service is known to be good, and whether it is the one in place: told by stat(2) alone.

A recovery asks this of every service each time, so that nothing is read but names and times. The generations with
their proofs are the truth (``_generations``); these small records beside them follow.
"""

from __future__ import annotations

import json
import os
from typing import Any, Iterable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._config.types import Good

_MOST_BYTES = 16 << 20  # of a record that is ours
_FOLDER = "good"


def prints(paths: Iterable[str]) -> dict[str, str]:
    """Path → what changes whenever somebody touches the file; empty for one that is not there or cannot be seen."""
    return {path: _print(path) for path in paths}


def read_good(store_dir: str, service: str) -> Good | None:
    """None where nothing is known to be good, or the record cannot be read."""
    try:
        with open(_path(store_dir, service), "rb") as file:
            raw: Any = json.loads(file.read(_MOST_BYTES))
        return Good(str(raw["generation"]), float(raw["proven"]), _texts(raw["prints"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_good(store_dir: str, service: str, good: Good) -> None:
    """Remember it. Raises OSError."""
    path = _path(store_dir, service)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    write_atomic(path, json.dumps(good.__dict__, sort_keys=True).encode())


def _path(store_dir: str, service: str) -> str:
    return os.path.join(store_dir, _FOLDER, f"{service}.json")


def _print(path: str) -> str:
    try:
        found = os.lstat(path)
    except OSError:
        return ""
    told = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return ":".join(str(each) for each in (*told, oct(found.st_mode), found.st_uid, found.st_gid))


def _texts(raw: Mapping[str, Any]) -> dict[str, str]:
    return {str(path): str(told) for path, told in raw.items()}
