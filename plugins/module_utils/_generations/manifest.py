# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON form of a generation: a small manifest, and its entries as two contents of the store.

``base`` holds all entries of an earlier generation, or of this one; ``changes`` what is different in this one, if
anything. So a generation with few changes costs little, each manifest can go without a thought for the others (contents
stay as long as one of them names them), and the contents guard themselves.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._generations.types import (
    KINDS,
    ORIGINS,
    Declaration,
    Entry,
    Generation,
)

_VERSION = 1
_WORTH = 0.25  # of the base, at most: more changes make a new base
_DEFAULTS = asdict(Entry("", ""))
_GONE = "gone"


class Malformed(ValueError):
    """It is no manifest, or none that this release knows."""


def encode_entries(entries: Iterable[Entry]) -> bytes:
    """One line of JSON for each, without what goes without saying."""
    return b"".join(_line(_bare(entry)) for entry in entries)


def decode_entries(text: bytes) -> tuple[Entry, ...]:
    """The opposite. Raises Malformed."""
    return apply_changes((), text)


def encode_changes(base: Sequence[Entry], entries: Sequence[Entry]) -> bytes:
    """What makes the entries of the base: new and changed ones, and the paths of those that are no more."""
    old = {entry.path: entry for entry in base}
    new = {entry.path for entry in entries}
    changed = encode_entries(entry for entry in entries if old.get(entry.path) != entry)
    return changed + b"".join(_line({"path": path, _GONE: True}) for path in sorted(old) if path not in new)


def apply_changes(base: Sequence[Entry], changes: bytes) -> tuple[Entry, ...]:
    """The entries, sorted by path. Raises Malformed."""
    found = {entry.path: entry for entry in base}
    try:
        for line in changes.splitlines():
            raw: Any = json.loads(line)
            if raw.pop(_GONE, False):
                del found[raw["path"]]
            else:
                found[raw["path"]] = _entry(raw)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Malformed(str(error)) from error
    return tuple(found[path] for path in sorted(found))


def is_worth_it(changes: bytes, base: bytes) -> bool:
    """Whether changes to an old base are the better choice than a new base."""
    return len(changes) <= len(base) * _WORTH


def encode_manifest(generation: Generation, base: str, changes: str) -> dict[str, Any]:
    """Everything but entries, labels and proof. ``base``, ``changes``: SHA-256 of contents; empty: no changes."""
    declared = generation.declared
    return {
        "version": _VERSION,
        "name": declared.name,
        "number": generation.number,
        "created": generation.created,
        "origin": generation.origin,
        "source": generation.source,
        "files": list(declared.files),
        "globs": list(declared.globs),
        "trees": list(declared.trees),
        "base": base,
        "changes": changes,
    }


def decode_manifest(raw: Mapping[str, Any], name: str, number: int, entries: tuple[Entry, ...]) -> Generation:
    """The generation, which must be the one of this name and number. Raises Malformed."""
    try:
        if raw["version"] != _VERSION or raw["origin"] not in ORIGINS:
            raise Malformed("it was written by another release")
        if (raw["name"], raw["number"]) != (name, number):
            raise Malformed(f"it is the one of {raw['name']}-{raw['number']:06d}")
        declared = Declaration(name, tuple(raw["files"]), tuple(raw["globs"]), tuple(raw["trees"]))
        return Generation(number, float(raw["created"]), declared, entries, raw["origin"], str(raw["source"]))
    except (KeyError, TypeError) as error:
        raise Malformed(str(error)) from error


def _bare(entry: Entry) -> dict[str, Any]:
    values = dict(vars(entry))
    values["xattrs"] = None if entry.xattrs is None else dict(entry.xattrs)
    return {name: value for name, value in values.items() if value != _DEFAULTS[name]}


def _line(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"


def _entry(raw: Mapping[str, Any]) -> Entry:
    if raw["kind"] not in KINDS:
        raise Malformed(f"{raw['kind']!r} is no kind")
    return Entry(**raw)
