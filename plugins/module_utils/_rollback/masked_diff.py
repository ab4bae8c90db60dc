# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a switch changes, for people's eyes: which settings, never their values; of unknown contents only how much."""

from __future__ import annotations

import grp
import pwd
from typing import Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import (
    ABSENT,
    DIRECTORY,
    FILE,
    SYMLINK,
    Entry,
)
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.module_utils._rollback.compare import differences
from ansible_collections.toombos.incident.plugins.module_utils._rollback.settings import Setting, settings_of
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import Contents, Operation, Switch

LARGEST = 1 << 20  # bytes of a file that is looked into


def masked_diff(switch: Switch, contents: Contents) -> list[dict[str, str]]:
    """One {before_header, after_header, before, after} for each path that differs, for Ansible's ``diff``.

    ``contents`` gives what is there as well as what comes; where it raises IncidentError, OSError or KeyError, sizes
    and digests are shown.
    """
    found = []
    for before, after in _pairs(switch.operations):
        old, new = _lines(before, after, contents)
        if old == new:  # where what differs is masked on both sides
            new = [f"{line} (changed)" for line in new]
        if old or new:
            header = shown(before.path)
            found.append({"before_header": header, "after_header": header, "before": _text(old), "after": _text(new)})
    return found


def _pairs(operations: Sequence[Operation]) -> Iterator[tuple[Entry, Entry]]:
    pairs: dict[str, list[Entry]] = {}
    for each in operations:
        for side, entries in enumerate(((each.before, *each.inside_before), (each.after, *each.inside_after))):
            for entry in entries:
                absent = Entry(entry.path, ABSENT)
                pairs.setdefault(entry.path, [absent, absent])[side] = entry
    for path in sorted(pairs):
        yield pairs[path][0], pairs[path][1]


def _lines(before: Entry, after: Entry, contents: Contents) -> tuple[list[str], list[str]]:
    """Both sides; what is the same is in neither, so that the difference is the whole of it."""
    if before.kind != after.kind:
        old, new = _described(before), _described(after)
    else:
        changed = differences(before, after)
        old, new = [_attribute(before, word) for word in changed], [_attribute(after, word) for word in changed]
        old, new = [line for line in old if line], [line for line in new if line]
        if "extended attributes" in changed:
            one, other = _xattrs(before, after)
            old, new = old + one, new + other
        if before.kind == FILE and (before.link or after.link) and before.sha256 == after.sha256:
            old, new = old + ["one name of a file"], new + ["one name of a file, put anew with its other names"]
    if FILE in (before.kind, after.kind) and _sha256(before) != _sha256(after):
        one, other = _content(before, after, contents)
        old, new = old + one, new + other
    return old, new


def _sha256(entry: Entry) -> str:
    return entry.sha256 if entry.kind == FILE else ""


def _described(entry: Entry) -> list[str]:
    if entry.kind == ABSENT:
        return ["kind: absent"]
    words = {FILE: ("mode", "owner", "group"), DIRECTORY: ("mode", "owner", "group"), SYMLINK: ("target", "owner")}
    return [f"kind: {entry.kind}", *(_attribute(entry, word) for word in words[entry.kind])]


def _attribute(entry: Entry, word: str) -> str:
    if word == "mode":
        return f"mode: {entry.mode:04o}"
    if word == "owner":
        return f"owner: {_user(entry.uid)}"
    if word == "group":
        return f"group: {_group(entry.gid)}"
    if word == "target":
        return f"target: {redact(shown(entry.target))}"
    if word == "time":
        return f"time: {entry.mtime_ns // 10**9}.{entry.mtime_ns % 10**9:09d}"
    return ""


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _xattrs(before: Entry, after: Entry) -> tuple[list[str], list[str]]:
    """Their names are given by systems, but for those of users, which anybody may choose."""
    had, has = dict(before.xattrs or {}), dict(after.xattrs or {})
    old, new = [], []
    for name in sorted({*had, *has}):
        label = f"attribute {name if not name.startswith('user.') else 'of a user'}"
        if had.get(name) != has.get(name):
            old += [f"{label}: (was)"] if name in had else []
            new += [f"{label}: (changed)" if name in had else f"{label}: (new)"] if name in has else []
    return old, new


def _content(before: Entry, after: Entry, contents: Contents) -> tuple[list[str], list[str]]:
    settings = [_settings(entry, contents) for entry in (before, after)]
    if settings[0] is None or settings[1] is None:
        return _digested(before), _digested(after)
    old, new = _settings_changed(settings[0], settings[1])
    if not old and not new and FILE in (before.kind, after.kind) and before.kind == after.kind:
        return ["comments, order and blanks: (were)"], ["comments, order and blanks: (changed)"]
    return old, new


def _settings(entry: Entry, contents: Contents) -> list[Setting] | None:
    if entry.kind != FILE:
        return []
    if entry.size > LARGEST:
        return None
    try:
        return settings_of(entry.path, b"".join(contents(entry.sha256)))
    except (IncidentError, OSError, KeyError):
        return None


def _digested(entry: Entry) -> list[str]:
    return [f"content: {entry.size:,} bytes, sha256 {entry.sha256[:12]}…"] if entry.kind == FILE else []


def _settings_changed(before: Sequence[Setting], after: Sequence[Setting]) -> tuple[list[str], list[str]]:
    had, has = _by_name(before), _by_name(after)
    old = [f"{name}=(was)" for name in had if had[name] != has.get(name)]
    new = [f"{name}=({'changed' if name in had else 'new'})" for name in has if had.get(name) != has[name]]
    return old, new


def _by_name(settings: Sequence[Setting]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, digest in settings:
        found.setdefault(name, []).append(digest)
    return found


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
