# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host was like when somebody said that it was well: one file, private, whole, with who, when and why."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.place import (
    check_place,
    make_folder,
    make_place,
)
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import opened

_FORMAT = 1
_LARGEST = 64 << 20
_FOLDER, _NAME = "ioc", "baseline.json"

# How the file is.
PRESENT, NONE, LOST, DAMAGED, EXPOSED, OTHER = "present", "none", "lost", "damaged", "exposed", "other"
SHOWN = {
    PRESENT: "the baseline is there",
    NONE: "there is no baseline",
    LOST: "the baseline is gone",
    DAMAGED: "the baseline was damaged or changed by hand",
    EXPOSED: "others could have changed the baseline",
    OTHER: "the baseline is not the one that was named",
}


@dataclass(frozen=True)
class Record:
    """``checks``: check → key → value. Moments as text, UTC."""

    created: str
    who: str
    why: str
    checks: Mapping[str, Mapping[str, str]]

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, in hex."""
        return hashlib.sha256(_canonical(self._content())).hexdigest()

    def to_bytes(self) -> bytes:
        """The file."""
        return _canonical({**self._content(), "digest": self.digest}) + b"\n"

    def _content(self) -> dict[str, Any]:
        checks = {name: dict(items) for name, items in self.checks.items()}
        return {"format": _FORMAT, "created": self.created, "who": self.who, "why": self.why, "checks": checks}


@dataclass(frozen=True)
class Standing:
    """How the file is; ``record`` is None unless it can be trusted."""

    state: str
    path: str
    record: Record | None = None
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A part of the result."""
        record = self.record
        return {
            "state": self.state,
            "path": self.path,
            "message": self.message or SHOWN[self.state],
            "digest": record.digest if record else "",
            "created": record.created if record else "",
            "who": record.who if record else "",
            "why": record.why if record else "",
            "checks": sorted(record.checks) if record else [],
        }


def path_in(store_dir: str) -> str:
    """Where it is."""
    return os.path.join(store_dir, _FOLDER, _NAME)


def read_baseline(store_dir: str, named: str = "") -> Standing:
    """How it is. ``named``: the digest that it must have, as somebody keeps it elsewhere; empty where nobody does."""
    path = path_in(store_dir)
    try:
        if not check_place(store_dir) or not check_place(os.path.dirname(path)):
            return Standing(LOST if named else NONE, path)
        data = _read(path)
    except IncidentError as error:
        return Standing(EXPOSED, path, message=error.message)
    except FileNotFoundError:
        # Its directory is made with it, and nothing of ours ever removes one of them.
        return Standing(LOST, path)
    except OSError as error:
        return Standing(DAMAGED, path, message=f"the baseline cannot be read: {error.strerror}")
    record = _parsed(data)
    if record is None:
        return Standing(DAMAGED, path)
    if named and record.digest != named.lower():
        return Standing(OTHER, path, message=f"{SHOWN[OTHER]}: its digest is {record.digest}")
    return Standing(PRESENT, path, record)


def write_baseline(store_dir: str, record: Record, standing: Standing) -> str:
    """Put it in place; the path at which the one before was kept, if any. Raises IncidentError and OSError."""
    make_place(store_dir)
    path = path_in(store_dir)
    make_folder(os.path.dirname(path))
    check_place(os.path.dirname(path))
    kept = ""
    if os.path.lexists(path) and standing.state != LOST:
        kept = _kept(path)
    write_atomic(path, record.to_bytes())
    return kept


def _kept(path: str) -> str:
    """A second name for what is about to be replaced: its content decides, so that none replaces another."""
    try:
        name = hashlib.sha256(_read(path)).hexdigest()[:12]
    except (OSError, IncidentError):
        name = os.urandom(6).hex()
    before = f"{path[: -len('.json')]}.{name}.json"
    if not os.path.lexists(before):
        os.link(path, before, follow_symlinks=False)
    return before


def _read(path: str) -> bytes:
    descriptor = opened(path, follow=False)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise IncidentError(f"The baseline {path} belongs to another user, or others may read or write it.")
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise OSError(0, "it is too large")
    return data


def _parsed(data: bytes) -> Record | None:
    """The record, when it is whole and as it was written."""
    try:
        raw = json.loads(data)
        record = Record(raw["created"], raw["who"], raw["why"], raw["checks"])
        whole = raw["format"] == _FORMAT and record.digest == raw["digest"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return record if whole else None


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")
