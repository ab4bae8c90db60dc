# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads artifact definitions, as they are written in YAML, and names everything that is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Mapping

import yaml

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.registry import READERS
from ansible_collections.toombos.incident.plugins.module_utils._values import ValueProblem, parse_duration, parse_size

BUILT_IN = Path(__file__).resolve().parent / "artifacts"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}/[a-z][a-z0-9_]{0,40}")
_BEGINNINGS = ("/", "~root/")  # root's home is not everywhere the same
_SOURCES = ("native", "command", "files")
_KEYS = frozenset({"about", "timeout", "max", "sensitivity", "root", *_SOURCES})


class BadArtifacts(IncidentError):
    """Definitions that cannot be used; ``problems`` has one line for each thing that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("The artifacts are not valid: " + "; ".join(problems) + ".", "Correct these entries.")


def built_in() -> tuple[t.Artifact, ...]:
    """The artifacts that come with the collection, the most volatile first."""
    documents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(BUILT_IN.glob("*.yml"))]
    return parse_artifacts(documents)


def parse_artifacts(documents: list[Any]) -> tuple[t.Artifact, ...]:
    """Each document is ``{tier, defaults, artifacts: {name: entry}}``; a name that comes again replaces the first.

    Raises BadArtifacts with all problems.
    """
    problems: list[str] = []
    found: dict[str, t.Artifact] = {}
    for document in documents:
        if not isinstance(document, Mapping) or not isinstance(document.get("artifacts"), Mapping):
            problems.append("a document needs tier, defaults and artifacts")
            continue
        tier = document.get("tier")
        if not isinstance(tier, int) or isinstance(tier, bool) or not t.IDENTITY <= tier <= t.FILES:
            problems.append(f"tier {tier!r} is none of 1 to {t.FILES}")
            continue
        for name, entry in document["artifacts"].items():
            artifact = _parse(name, tier, document.get("defaults") or {}, entry, problems)
            if artifact is not None:
                found[artifact.name] = artifact
    if problems:
        raise BadArtifacts(problems)
    return tuple(sorted(found.values(), key=lambda artifact: artifact.tier))


def _parse(name: Any, tier: int, defaults: Mapping[str, Any], entry: Any, problems: list[str]) -> t.Artifact | None:
    before = len(problems)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problems.append(f"{name!r} is no name: group/thing in small letters")
    if not isinstance(entry, Mapping):
        problems.append(f"{name}: it is not a mapping")
        return None
    known = ", ".join(sorted(_KEYS))
    problems += [
        f"{name}.{key}: there is no such key; there are {known}" for key in sorted(set(entry) - _KEYS, key=str)
    ]
    given = {**defaults, **entry}
    sensitivity = given.get("sensitivity", t.OPEN)
    if sensitivity not in (t.OPEN, t.PERSONAL, t.SECRET):
        problems.append(f"{name}.sensitivity: it is open, personal or secret")
    if not given.get("about"):
        problems.append(f"{name}.about: say what it is")
    if not isinstance(given.get("root", False), bool):
        problems.append(f"{name}.root: it is true or false")
    artifact = t.Artifact(
        name=str(name),
        tier=tier,
        sources=_sources(str(name), entry, problems),
        timeout=_timeout(str(name), given.get("timeout"), problems),
        max_bytes=_size(str(name), given.get("max"), problems),
        sensitivity=str(sensitivity),
        root=bool(given.get("root", False)),
    )
    return artifact if len(problems) == before else None


def _sources(name: str, entry: Mapping[str, Any], problems: list[str]) -> tuple[t.Source, ...]:
    """In the order in which they are written; the last one needs no external tool."""
    sources = []
    for kind in entry:
        if kind not in _SOURCES:
            continue
        what = [entry[kind]] if kind == "native" else entry[kind]
        if not isinstance(what, list) or not what or not all(isinstance(each, str) and each for each in what):
            problems.append(f"{name}.{kind}: it needs {'a name' if kind == 'native' else 'a list of texts'}")
        elif kind == "native" and what[0] not in READERS:
            problems.append(f"{name}.native: there is no reader {what[0]!r}; there are {', '.join(sorted(READERS))}")
        elif kind == "files" and not all(each.startswith(_BEGINNINGS) and ".." not in each.split("/") for each in what):
            problems.append(f"{name}.files: paths are absolute, or begin with ~root/, and without ..")
        else:
            sources.append(t.Source(kind, tuple(what)))
    if not sources or sources[-1].kind == "command":
        problems.append(f"{name}: its last source must be one that needs no external tool: native or files")
    return tuple(sources)


def _timeout(name: str, value: Any, problems: list[str]) -> float:
    try:
        seconds = parse_duration(value)
    except ValueProblem as error:
        problems.append(f"{name}.timeout: {error}")
        return 0.0
    if not seconds:
        problems.append(f"{name}.timeout: it needs time")
    return seconds


def _size(name: str, value: Any, problems: list[str]) -> int:
    try:
        count = parse_size(value)
    except ValueProblem as error:
        problems.append(f"{name}.max: {error}")
        return 0
    if not count:
        problems.append(f"{name}.max: it needs room, for example 16MiB")
    return count
