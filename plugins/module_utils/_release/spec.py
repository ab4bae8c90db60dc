# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the option ``code``: where an application's releases are, and how one is deployed."""

from __future__ import annotations

import os
import re
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._release.types import (
    GIT,
    KINDS,
    LAST_KNOWN_GOOD,
    SYMLINK,
    Spec,
)
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_bool, parse_duration

_COMMON = frozenset({"kind", "user", "good", "deploy", "deploy_timeout"})
_KEYS = {
    GIT: _COMMON | {"path", "remote", "submodules"},
    SYMLINK: _COMMON | {"current", "releases", "marker", "validate", "validate_timeout"},
}
_GOOD = {GIT: "last-known-good-tag", SYMLINK: ""}
# A name, perhaps with ~2 or ^ behind it. No blanks, no ranges, no search, nothing that looks like an option.
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@#=-]*(?:[~^]\d{0,4})*")


def parse_code(raw: Any) -> Spec:
    """The specification. Raises IncidentError with everything that is wrong."""
    if not isinstance(raw, Mapping) or raw.get("kind") not in KINDS:
        raise _wrong([f"code.kind must be one of {', '.join(KINDS)}"])
    kind = str(raw["kind"])
    problems = [f"code.{key} is not known for kind {kind}" for key in sorted(map(str, raw.keys() - _KEYS[kind]))]
    path = _path(raw, "path" if kind == GIT else "current", problems)
    releases = _path(raw, "releases", problems) if kind == SYMLINK else ""
    times = {key: _time(raw, key, problems) for key in ("deploy_timeout", "validate_timeout") if raw.get(key)}
    deploy, validate = _command(raw, "deploy", problems), _command(raw, "validate", problems)
    words = {key: _word(raw, key, problems) for key in ("user", "good", "remote", "marker")}
    if words["remote"].startswith("-") or words["marker"].startswith("/") or ".." in words["marker"].split("/"):
        problems.append("code.remote is a name, and code.marker a path within a release")
    submodules = parse_bool(raw.get("submodules", True))
    if problems:
        raise _wrong(problems)
    return Spec(
        kind=kind,
        path=path,
        user=words["user"] or None,
        good=words["good"] or _GOOD[kind],
        remote=words["remote"] or "origin",
        marker=words["marker"],
        submodules=submodules,
        releases=releases,
        deploy=deploy,
        deploy_timeout=times.get("deploy_timeout", Spec.deploy_timeout),
        validate=validate,
        validate_timeout=times.get("validate_timeout", Spec.validate_timeout),
    )


def meaning_of(ref: str, spec: Spec) -> str:
    """The reference that is to be looked for. Raises IncidentError when it is none."""
    if ref == LAST_KNOWN_GOOD:
        if not spec.good:
            raise IncidentError("The code declares no last known good.", "Declare code.good, or name a release.")
        ref = spec.good
    if spec.kind == SYMLINK and ref.startswith("/"):
        return ref
    if not _REF.fullmatch(ref) or ".." in ref:
        raise IncidentError(f"{ref!r} cannot name a release.", "Name a tag, a branch, a commit or a release.")
    return ref


def _wrong(problems: list[str]) -> IncidentError:
    return IncidentError(f"The option code is not valid: {'; '.join(problems)}.", "Correct it and run again.")


def _path(raw: Mapping[str, Any], key: str, problems: list[str]) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not os.path.isabs(value) or os.path.normpath(value) == "/":
        problems.append(f"code.{key} must be an absolute path")
        return "/"
    return os.path.normpath(value)


def _word(raw: Mapping[str, Any], key: str, problems: list[str]) -> str:
    value = raw.get(key) or ""
    if not isinstance(value, (str, int, float)):
        problems.append(f"code.{key} must be text")
        return ""
    return str(value)


def _command(raw: Mapping[str, Any], key: str, problems: list[str]) -> tuple[str, ...]:
    value = raw.get(key) or ()
    if isinstance(value, str) or not all(isinstance(word, (str, int, float)) for word in value):
        problems.append(f"code.{key} must be a list of words, such as [./scripts/deploy.sh]")
        return ()
    return tuple(map(str, value))


def _time(raw: Mapping[str, Any], key: str, problems: list[str]) -> float:
    try:
        return parse_duration(raw[key])
    except IncidentError as error:
        problems.append(f"code.{key}: {error}")
        return 0.0
