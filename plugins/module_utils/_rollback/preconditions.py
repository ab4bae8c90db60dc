# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that would make a switch fail half-way or do harm, looked for before anything is changed."""

from __future__ import annotations

import os
from typing import Collection, Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import ABSENT, DIRECTORY, FILE, Entry
from ansible_collections.toombos.incident.plugins.module_utils._rollback import directories, kernel
from ansible_collections.toombos.incident.plugins.module_utils._rollback.compare import CAPABILITY, differences
from ansible_collections.toombos.incident.plugins.module_utils._rollback.look import entry_now
from ansible_collections.toombos.incident.plugins.module_utils._rollback.places import entered
from ansible_collections.toombos.incident.plugins.module_utils._rollback.room import objections_to_room
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import (
    ATTRIBUTES,
    Contents,
    Objection,
    Operation,
    Switch,
)
from ansible_collections.toombos.incident.plugins.module_utils._rollback.ways import Ways

RESERVE = 1 << 20  # bytes that stay free on every file system
_KINDS = {FILE: "a file", DIRECTORY: "a directory", ABSENT: "absent", "symlink": "a symbolic link"}


def objections(
    switch: Switch,
    contents: Contents,
    reserve: int,
    journal: str,
    trusted: Collection[int] = (),
    ways: Ways | None = None,
) -> list[Objection]:
    """Every reason not to begin, the weightiest first. Nothing is changed. ``journal``: its directory.

    ``trusted``: users who may change the directories of the files, besides root and the owners of the files.
    ``ways``: what paths lead to, the same for who makes the switch.

    Reads what is there and all contents; so what passes here can still change before the switch, which is looked for
    right before it.
    """
    if not switch.operations:
        return []
    try:
        return _objections(switch, contents, reserve, journal, trusted, ways or Ways())
    except OSError as error:  # such as of a path that somebody changes while it is looked at
        path = str(error.filename or switch.operations[0].path)
        reason = kernel.reason_of(error)
        return [Objection(path, f"{path} cannot be looked at: {reason}.", "See who changes it, then run again.")]


def _objections(
    switch: Switch, contents: Contents, reserve: int, journal: str, trusted: Collection[int], ways: Ways
) -> list[Objection]:
    found = list(_places(switch, trusted, ways))
    if not found:
        found = [each for operation in switch.operations for each in _of_operation(operation, ways)]
        found += [each for entry in switch.kept for each in _of_entry(entry, ways, content=False)]
    return found or [
        *_links(switch, ways),
        *_content(switch, contents),
        *objections_to_room(switch, reserve, journal, ways),
    ]


def _places(switch: Switch, trusted: Collection[int], ways: Ways) -> Iterator[Objection]:
    """The directories that operations work in; each is looked at once."""
    mounts = kernel.mount_points()
    seen: dict[tuple[str, str], str] = {}
    parents: dict[str, list[Operation]] = {}
    for operation in switch.operations:
        path = operation.path
        if ways.of(path).led_by:
            yield Objection(
                path,
                f"{path} is reached through a symbolic link that {ways.of(path).led_by} can lead elsewhere.",
                "Declare the file by the path that the link leads to, or give the link and its directory to root.",
            )
            continue
        place = ways.resolve(path)
        if place in seen:
            yield Objection(
                path, f"{path} and {seen[place]} are the same file, reached on two ways.", "Declare it once."
            )
        seen[place] = path
        if operation.verb == ATTRIBUTES:
            parents.setdefault(os.path.join(*place), []).append(operation)
            continue
        parents.setdefault(place[0], []).append(operation)
        real = os.path.join(*place)
        for mount in sorted(each for each in mounts if each == real or each.startswith(f"{real}/")):
            yield Objection(
                path, f"{path} cannot be switched: {mount} is a mount point.", f"Unmount it: umount {mount}"
            )
    for parent, operations in parents.items():
        yield from directories.objections_to(parent, operations, trusted)


def _of_operation(operation: Operation, ways: Ways) -> Iterator[Objection]:
    if operation.before.kind == DIRECTORY and operation.verb != ATTRIBUTES:
        yield from _strangers(operation, ways)
    for entry in (operation.before, *operation.inside_before):
        yield from _of_entry(entry, ways)
    for entry in (operation.after, *operation.inside_after):
        if entry.kind != ABSENT:
            yield from _rights(entry, operation)
            yield from _xattrs(entry, operation, ways)


def _of_entry(entry: Entry, ways: Ways, content: bool = True) -> Iterator[Objection]:
    """Whether the path is what it was when it was read."""
    try:
        name = os.path.basename(entry.path)
        with ways.parent(entry.path) as directory:
            now = entry_now(directory, name, entry.path, content)
            flag = kernel.flags_word(directory, name) if content and entry.kind in (FILE, DIRECTORY) else ""
    except FileNotFoundError:
        now, flag = Entry(entry.path, ABSENT), ""
    except OSError as error:
        reason = kernel.reason_of(error)
        yield Objection(entry.path, f"{entry.path} cannot be read: {reason}.", "Run with become: true.")
        return
    path = entry.path
    if now.kind != entry.kind:
        was, is_now = _KINDS[entry.kind], _KINDS.get(now.kind, "neither a file nor a directory nor a link")
        yield Objection(
            path, f"{path} is {is_now} now; it was {was} when it was read.", "See who changes it, then run again."
        )
        return
    if flag:
        attribute = "i" if flag == "immutable" else "a"
        yield Objection(path, f"{path} is {flag}.", f"Somebody meant to keep it: chattr -{attribute} '{path}'")
    changed = [word for word in differences(now, entry) if content or word != "content"]
    if changed:
        what = " and ".join(changed)
        yield Objection(
            path, f"{path} was changed after it had been read ({what}).", "See who changes it, then run again."
        )


def _strangers(operation: Operation, ways: Ways) -> Iterator[Objection]:
    """What lies in a directory that goes, and is not of the set."""
    known = {entry.path for entry in operation.inside_before}
    for entry in (operation.before, *operation.inside_before):
        if entry.kind != DIRECTORY:
            continue
        try:
            name = os.path.basename(entry.path)
            with ways.parent(entry.path) as start, entered(os.dup(start), [name]) as directory:
                names = os.listdir(directory)
        except OSError:
            continue  # what is not there any more has its own objection
        for stranger in sorted({os.path.join(entry.path, name) for name in names} - known):
            yield Objection(
                stranger,
                f"{stranger} does not belong to the set, and lies in {operation.path}, which is to be removed.",
                "Move it away, or snapshot the set again with it.",
            )


def _rights(entry: Entry, operation: Operation) -> Iterator[Objection]:
    """Whether we may give it away."""
    user = os.geteuid()
    if user == 0 or (operation.verb == ATTRIBUTES and not differences(operation.before, entry)):
        return
    if entry.uid != user or entry.gid not in (os.getegid(), *os.getgroups()):
        yield Objection(
            entry.path,
            f"{entry.path} must belong to {entry.uid}:{entry.gid}, which only root can do.",
            "Run with become: true.",
        )
    if any(name == CAPABILITY or name.startswith("trusted.") for name in entry.xattrs or {}):
        yield Objection(entry.path, f"{entry.path} has attributes that only root can set.", "Run with become: true.")


def _xattrs(entry: Entry, operation: Operation, ways: Ways) -> Iterator[Objection]:
    """Whether the file system can hold them. It is asked in the nearest directory that is there."""
    if not entry.xattrs:
        return
    with ways.parent(operation.path) as parent:
        missing = [name for name in sorted(entry.xattrs) if not kernel.can_hold(parent, name)]
    if missing:
        yield Objection(
            entry.path,
            f"The file system of {entry.path} cannot hold {', '.join(missing)}.",
            "Mount it with ACLs and extended attributes, or take a generation without them.",
        )


def _links(switch: Switch, ways: Ways) -> Iterator[Objection]:
    """All names of one file must lie on one file system."""
    devices: dict[int, tuple[int, str]] = {}
    for operation in switch.operations:
        entries = [each for each in (operation.after, *operation.inside_after) if each.kind == FILE and each.link]
        if not entries:
            continue
        with ways.parent(operation.path) as parent:
            device = os.fstat(parent).st_dev
        for entry in entries:
            first, path = devices.setdefault(entry.link, (device, entry.path))
            if first != device:
                yield Objection(
                    entry.path,
                    f"{entry.path} and {path} must be one file, but lie on two file systems.",
                    "Put them on one, or take a generation in which they are two files.",
                )


def new_files(switch: Switch) -> list[Entry]:
    """Every file that must be written, hard links once."""
    entries = [entry for each in switch.operations for entry in (each.after, *each.inside_after)]
    files = [entry for entry in entries if entry.kind == FILE]
    return list({entry.link or entry.path: entry for entry in files}.values())


def _content(switch: Switch, contents: Contents) -> Sequence[Objection]:
    """Read everything that will be written, once."""
    import hashlib

    wanted = {entry.sha256: entry for entry in new_files(switch)}
    found = []
    for sha256, entry in wanted.items():
        digest, size = hashlib.sha256(), 0
        try:
            for piece in contents(sha256):
                digest.update(piece)
                size += len(piece)
        except (IncidentError, OSError, KeyError) as error:
            reason, way_out = str(error), getattr(error, "way_out", "")
            reason = error.message if isinstance(error, IncidentError) else f"it cannot be read ({reason})."
            way_out = way_out or "Verify the store of generations, and take another generation."
            found.append(Objection(entry.path, f"The kept content of {entry.path} is not usable: {reason}", way_out))
            continue
        if size != entry.size or digest.hexdigest() != sha256:
            found.append(
                Objection(
                    entry.path,
                    f"The kept content of {entry.path} is not what it was when it was kept.",
                    "Verify the store of generations, and take another generation.",
                )
            )
    return found
