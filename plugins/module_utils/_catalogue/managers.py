# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of each kind of manager, read into a ``ManagerSpec``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import (
    Fields,
    Malformed,
    did_you_mean,
    read_command,
    read_path,
    read_pattern,
    read_word,
)
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import ManagerSpec


@dataclass(frozen=True)
class _Keys:
    required: tuple[str, ...]
    optional: tuple[str, ...]


DOCKER_SOCKET = "/var/run/docker.sock"

_IDENTITY = ("cwd", "user", "match")
_KINDS: Mapping[str, _Keys] = {
    "supervisor": _Keys(("program", "socket"), _IDENTITY),
    "systemd": _Keys(("unit",), _IDENTITY),
    "process": _Keys(("command", "cwd"), ("user", "match", "env_file", "log")),
    # Without match, user and cwd: the engine knows which processes are the service's, and no others could be.
    "compose": _Keys(("project", "service"), ("socket", "files", "project_directory", "command")),
}
# Keys that mean something else than the same word of another kind, and what is taken where nothing is written.
_RENAMED: Mapping[str, Mapping[str, str]] = {"compose": {"command": "compose"}}
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {"compose": {"socket": DOCKER_SOCKET}}


def _read_program(value: Any) -> str:
    text = read_word(value)
    if not re.fullmatch(r"[^:/*\[\]]+(:[^:/*\[\]]+)?", text):
        raise Malformed(f"{text!r} must be one program, as group:name or name")
    return text


def _read_unit(value: Any) -> str:
    text = read_word(value)
    if not re.fullmatch(r"[A-Za-z0-9:_.@\\-]+", text):
        raise Malformed(f"{text!r} is not the name of a unit")
    return text


def _read_compose_name(value: Any) -> str:
    text = read_word(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", text):
        raise Malformed(f"{text!r} is not a name as compose has them")
    return text


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "program": _read_program,
    "socket": read_path,
    "unit": _read_unit,
    "command": read_command,
    "cwd": read_path,
    "user": read_word,
    "env_file": read_path,
    "log": read_path,
    "match": read_pattern,
    "project": _read_compose_name,
    "service": _read_compose_name,
    "project_directory": read_path,
}


def parse_manager(fields: Fields) -> ManagerSpec:
    """What the mapping ``manager`` of a service says; its problems are noted in ``fields``."""
    kind = fields.raw("kind")
    if not fields.readable:
        return ManagerSpec(kind="")
    if not isinstance(kind, str) or kind not in _KINDS:
        fields.note("kind", _kind_problem(kind))
        return ManagerSpec(kind="")
    keys = _KINDS[kind]
    fields.keys(f"a {kind} manager", ("kind", *keys.required), keys.optional)
    values: dict[str, Any] = dict(_DEFAULTS.get(kind, {}))
    for key in (*keys.required, *keys.optional):
        value = fields.many(key, read_path) if key == "files" else fields.one(key, _READERS[key])
        if value is not None:
            values[_RENAMED.get(kind, {}).get(key, key)] = value
    return ManagerSpec(kind=kind, **values)


def _kind_problem(kind: Any) -> str:
    known = ", ".join(_KINDS)
    if kind is None:
        return f"is missing, it is one of {known}"
    return f"{kind!r} is no kind of manager{did_you_mean(kind, _KINDS)}, it is one of {known}"
