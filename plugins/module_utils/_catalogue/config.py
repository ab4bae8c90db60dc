# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a service declares of its configuration: the set of files, what must hold of them, who owns them."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import (
    Fields,
    Malformed,
    did_you_mean,
    read_command,
    read_path,
    read_text,
    read_timeout,
    read_word,
)
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import (
    Backup,
    ConfigSpec,
    FileCheck,
    Permission,
)

# What each kind of check has beside its files.
_CHECKS: Mapping[str, tuple[str, ...]] = {
    "env": ("required", "values"),
    "json": (),
    "ini": (),
    "command": ("command", "timeout"),
}
LAYOUTS = ("mirror", "daily", "tree")
_LEAST_COMPONENTS = 2  # a tree such as /etc would be a copy of the system, not a configuration


def parse_config(fields: Fields, manager_cwd: str | None) -> ConfigSpec:
    """The entry under ``config``, with problems noted. ``manager_cwd``: where a validator runs unless it says where."""
    fields.keys("config", (), ("files", "globs", "trees", "checks", "permissions", "backups", "validate"))
    validate = fields.inner("validate")
    if fields.has("validate"):
        validate.keys("config.validate", ("command",), ("cwd", "timeout"))
    return ConfigSpec(
        files=fields.many("files", read_path),
        globs=fields.many("globs", _read_glob),
        trees=fields.many("trees", _read_tree),
        checks=tuple(_parse_check(each) for each in _each(fields, "checks")),
        permissions=tuple(_parse_permission(each) for each in _each(fields, "permissions")),
        backups=tuple(_parse_backup(each) for each in _each(fields, "backups")),
        validate=validate.one("command", read_command) or (),
        cwd=(validate.one("cwd", read_path) or manager_cwd) if fields.has("validate") else None,
        timeout=validate.one("timeout", read_timeout) or ConfigSpec.timeout,
    )


def _each(fields: Fields, key: str) -> list[Fields]:
    """The mappings in the list of ``key``."""
    found: list[Any] = list(fields.many(key, lambda item: item))
    holder = Fields({f"{key}[{index}]": item for index, item in enumerate(found)}, fields.where, fields.problems)
    return [holder.inner(f"{key}[{index}]") for index in range(len(found))]


def _parse_check(fields: Fields) -> FileCheck:
    kind = fields.one("kind", _read_kind) or ""
    fields.keys("a check", ("files", "kind"), _CHECKS.get(kind, tuple(sorted({*sum(_CHECKS.values(), ())}))))
    command = fields.one("command", read_command) or ()
    if kind == "command" and not any("%s" in word for word in command):
        fields.note("command", "has no %s, which stands for the file that is checked")
    values = fields.inner("values")
    return FileCheck(
        files=fields.many("files", _read_glob),
        kind=kind,
        command=command,
        required=fields.many("required", read_word),
        values=tuple((str(name), values.one(str(name), _read_value) or "") for name, _value in values.items()),
        timeout=fields.one("timeout", read_timeout) or FileCheck.timeout,
    )


def _parse_permission(fields: Fields) -> Permission:
    fields.keys("a permission", ("files",), ("owner", "group", "mode"))
    owner, group, mode = fields.one("owner", read_word), fields.one("group", read_word), fields.one("mode", _read_mode)
    if fields.readable and owner is None and group is None and mode is None:
        fields.note("", "declares neither owner nor group nor mode")
    return Permission(fields.many("files", _read_glob), owner, group, mode)


def _parse_backup(fields: Fields) -> Backup:
    fields.keys("a backup", ("layout", "path"), ("root",))
    layout = fields.one("layout", _read_layout) or ""
    if layout == "tree" and not fields.has("root"):
        fields.note("root", "is missing, a tree is restored below it")
    return Backup(layout, fields.one("path", read_path) or "", fields.one("root", read_path) or "")


def _read_layout(value: Any) -> str:
    if value not in LAYOUTS:
        raise Malformed(f"{value!r} is no layout{did_you_mean(value, LAYOUTS)}, it is one of {', '.join(LAYOUTS)}")
    return str(value)


def _read_kind(value: Any) -> str:
    if value not in _CHECKS:
        raise Malformed(f"{value!r} is no kind{did_you_mean(value, _CHECKS)}, it is one of {', '.join(_CHECKS)}")
    return str(value)


def _read_glob(value: Any) -> str:
    """An absolute path in which wildcards may stand; ``..`` would lead past what is declared."""
    text = read_path(value)
    if ".." in read_text(value).split("/"):
        raise Malformed(f"{value!r} must not contain '..'")
    return text


def _read_tree(value: Any) -> str:
    path = read_path(value)
    if len(posixpath.normpath(path).split("/")) - 1 < _LEAST_COMPONENTS:
        raise Malformed(f"{value!r} is too much for a tree of configuration, name a directory below it")
    return path


def _read_mode(value: Any) -> int:
    """Permission bits in octal, in quotes: YAML reads 0640 as a number, and some versions of it as another one."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-7]{3,4}", value):
        raise Malformed(f"{value!r} must be a mode in octal digits and in quotes, such as '0640'")
    return int(value, 8)


def _read_value(value: Any) -> str:
    """What an env file must say: text; truth values and numbers as YAML reads them would be guesses."""
    if not isinstance(value, str):
        raise Malformed(f"{value!r} must be text, in quotes")
    return value
