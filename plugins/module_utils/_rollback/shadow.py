# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the validator of a whole set before the switch: in a directory that looks as the real one would look."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Iterator, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ConfigSpec
from ansible_collections.toombos.incident.plugins.module_utils._command import run_command
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import (
    ABSENT,
    DIRECTORY,
    SYMLINK,
    Entry,
)
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.module_utils._rollback.candidates import (
    as_user,
    default_scratch,
    environment,
    owner_of,
    private_directory,
    write_copy,
)
from ansible_collections.toombos.incident.plugins.module_utils._rollback.checks import UNPROVEN, Finding, judge
from ansible_collections.toombos.incident.plugins.module_utils._rollback.types import ATTRIBUTES, Contents, Switch

IN_PLACE = "in_place"  # can only be validated when the switch is done: right after it
_MOST = 10_000  # names in one directory that are linked


def validate_set(
    spec: ConfigSpec,
    cwd: str | None,
    switch: Switch,
    contents: Contents,
    user: str | None = None,
    scratch: str | None = None,
) -> Finding:
    """What ``spec.validate`` says of the set as the switch would leave it. Nothing of the set is touched.

    ``cwd``: where the validator runs unless the specification says it. Its finding is ``accepted``, ``rejected``,
    ``unproven`` (it could not be asked), or ``in_place``: the shadow would not be what the validator looks at, and the
    caller validates right after the switch.
    """
    home = spec.cwd or cwd
    changes = _changes(switch)
    try:
        reason = _unfit(spec, home, changes)
        if reason or home is None:
            return Finding("", IN_PLACE, f"It can only be validated in place: {reason}")
        with private_directory(scratch or default_scratch()) as directory:
            _Shadow(os.path.normpath(home), directory, changes, contents, owner_of(user)).build()
            answer = run_command(
                as_user(user) + list(spec.validate), timeout=spec.timeout, cwd=directory, env=environment()
            )
            status, message = judge(answer, spec.timeout)
            return Finding("", status, shown(redact(" ".join(message.replace(directory, home).split())))[:300])
    except (OSError, IncidentError) as error:
        reason = error.message if isinstance(error, IncidentError) else f"{error.strerror or error}"
        return Finding("", UNPROVEN, f"The directory to validate it in cannot be made: {shown(reason)}")


def _changes(switch: Switch) -> dict[str, Entry]:
    """Path → what would be there."""
    found: dict[str, Entry] = {}
    for each in switch.operations:
        if each.verb != ATTRIBUTES:
            found.update((entry.path, Entry(entry.path, ABSENT)) for entry in each.inside_before)
            found.update((entry.path, entry) for entry in (each.after, *each.inside_after))
    return found


def _unfit(spec: ConfigSpec, home: str | None, changes: Mapping[str, Entry]) -> str:
    if not spec.validate:
        return "no validator is declared"
    if home is None:
        return "it is not declared in which directory the validator runs"
    home = os.path.normpath(home)
    for path in changes:
        if not path.startswith(f"{home}/"):
            return f"{shown(path)} lies outside of {home}"
        if os.path.realpath(os.path.dirname(path)) != os.path.normpath(
            os.path.join(os.path.realpath(home), os.path.relpath(os.path.dirname(path), home))
        ):
            return f"{shown(path)} is reached through a symbolic link"
        if any(_names(word, path) for word in spec.validate):
            return f"the validator is told the path of {shown(path)}"
    return ""


def _names(word: str, path: str) -> bool:
    """Whether an argument (``/etc/x``, ``--config=/etc/x``) is the path, or a directory that it lies in."""
    parts = [part.rstrip("/") for part in word.replace("=", " ").replace(",", " ").split() if part.startswith("/")]
    return any(path == part or (part and path.startswith(f"{part}/")) for part in parts)


class _Shadow:
    """Links to everything that stays, copies of what changes, real directories only where these lie."""

    def __init__(
        self, home: str, directory: str, changes: Mapping[str, Entry], contents: Contents, owner: tuple[int, int]
    ) -> None:
        self._home = home
        self._directory = directory
        self._changes = changes
        self._contents = contents
        self._owner = owner

    def build(self) -> None:
        """Raises OSError, IncidentError."""
        self._fill(self._home, self._directory)

    def _fill(self, real: str, shadow: str) -> None:
        for name in self._names_in(real):
            path, copy = os.path.join(real, name), os.path.join(shadow, name)
            entry = self._changes.get(path)
            if entry is None and not any(each.startswith(f"{path}/") for each in self._changes):
                os.symlink(path, copy)
            elif entry is None or entry.kind == DIRECTORY:
                os.mkdir(copy, 0o700)
                self._fill(path, copy)
            elif entry.kind == SYMLINK:
                os.symlink(self._target(entry.target), copy)
            elif entry.kind != ABSENT:
                # As the real one: what the service could not read there, it cannot read here.
                write_copy(copy, self._contents(entry.sha256), (entry.uid, entry.gid), entry.mode & 0o777)
        if os.geteuid() == 0:
            os.chown(shadow, *self._owner)

    def _names_in(self, real: str) -> Sequence[str]:
        names = set(self._below(real))
        entry = self._changes.get(real)
        if entry is None:
            with suppress(FileNotFoundError, NotADirectoryError):
                names.update(os.listdir(real))
        if len(names) > _MOST:
            raise IncidentError(f"{real} has more than {_MOST} names.")
        return sorted(names)

    def _below(self, real: str) -> Iterator[str]:
        return (path[len(real) + 1 :].split("/")[0] for path in self._changes if path.startswith(f"{real}/"))

    def _target(self, target: str) -> str:
        if target.startswith(f"{self._home}/"):
            return self._directory + target[len(self._home) :]
        return target
