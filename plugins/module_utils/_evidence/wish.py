# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture is asked for, checked before anything is touched."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, replace
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.bag import check_name
from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.registry import READERS
from ansible_collections.toombos.incident.plugins.module_utils._evidence.seal import Seal, read_seal
from ansible_collections.toombos.incident.plugins.module_utils._evidence.services import service_artifacts
from ansible_collections.toombos.incident.plugins.module_utils._evidence.store import Limits
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration, parse_size

QUICK, FULL = "quick", "full"
# Before a recovery, somebody waits: what is gone with the next restart, and of the rest what can be had at once.
_QUICK_TIER, _QUICK_SECONDS, _QUICK_BYTES, _QUICK_BUDGET = t.SERVICES, 10.0, 32 << 20, 50.0
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}/[A-Za-z][A-Za-z0-9_.-]{0,62}")
_KINDS = frozenset({"native", "command", "files", "family"})


@dataclass(frozen=True)
class Wish:
    """A capture. ``budget``: seconds for all of it. ``mask``: classes of which secrets are masked."""

    incident: str
    bag: str
    profile: str
    directory: str
    artifacts: tuple[t.Artifact, ...]
    keep: frozenset[str]
    mask: frozenset[str]
    budget: float
    limits: Limits
    seal: Seal | None
    reason: str
    requested: Mapping[str, Any]


def read_wish(options: Mapping[str, Any]) -> Wish:
    """Of the options of the module. Raises IncidentError."""
    seal = read_seal(options["seal"])
    keep = frozenset(options["keep"])
    if t.SECRET in keep and seal is None:
        raise IncidentError("What is secret is only kept sealed.", "Give seal, or take secret out of keep.")
    budget = parse_duration(options["budget"])
    if not budget:
        raise IncidentError("budget: a capture needs time.", "Give for example 10m.")
    if not options["definitions"]:
        raise IncidentError("There is nothing to capture.", "Run it as a task: its action brings the definitions.")
    check_name(options["bag"])
    return Wish(
        incident=options["incident"],
        bag=options["bag"],
        profile=options["profile"],
        directory=_directory(options["directory"]),
        artifacts=_chosen(options),
        keep=keep,
        mask=_MASKED[options["redact"]](seal),
        budget=min(budget, _QUICK_BUDGET) if options["profile"] == QUICK else budget,
        limits=Limits(parse_size(options["reserve"]), parse_size(options["max_bytes"])),
        seal=seal,
        reason=options["reason"],
        requested=options["requested"],
    )


# The classes that are masked, by the option ``redact``.
_MASKED: Mapping[str, Callable[[Seal | None], frozenset[str]]] = {
    "auto": lambda seal: frozenset() if seal else frozenset({t.PERSONAL}),
    "always": lambda _seal: frozenset({t.PERSONAL}),
    "never": lambda _seal: frozenset(),
}


def _directory(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/") or not path.strip("/"):
        raise IncidentError(f"directory: {path!r} is not an absolute path below /.", "Give one that is.")
    return "/" + path.strip("/")


def _chosen(options: Mapping[str, Any]) -> tuple[t.Artifact, ...]:
    declared = {each.name: each for each in map(read_artifact, options["definitions"])}
    declared.update((each.name, each) for each in service_artifacts(options["services"]))
    names = set(declared)
    if options["only"]:
        names = _matching(names, options["only"], "only")
    names -= _matching(set(declared), options["exclude"], "exclude")
    chosen = [artifact for name, artifact in declared.items() if name in names]
    if options["profile"] == QUICK:
        chosen = [_quick(artifact) for artifact in chosen if artifact.tier <= _QUICK_TIER]
    if not chosen:
        raise IncidentError("No artifact is left to capture.", "Choose others with only, exclude and profile.")
    return tuple(chosen)


def _quick(artifact: t.Artifact) -> t.Artifact:
    return replace(
        artifact, timeout=min(artifact.timeout, _QUICK_SECONDS), max_bytes=min(artifact.max_bytes, _QUICK_BYTES)
    )


def _matching(names: set[str], patterns: Sequence[str], option: str) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        fitting = {name for name in names if fnmatch.fnmatchcase(name, pattern)}
        if not fitting:
            groups = ", ".join(sorted({name.partition("/")[0] for name in names}))
            raise IncidentError(
                f"{option}: there is no artifact {pattern!r}.", f"Write for example processes/*; there are {groups}."
            )
        found |= fitting
    return found


def read_artifact(raw: Mapping[str, Any]) -> t.Artifact:
    """An artifact as it was sent: ``asdict`` of it. Raises IncidentError."""
    try:
        artifact = t.Artifact(
            name=str(raw["name"]),
            tier=int(raw["tier"]),
            sources=tuple(t.Source(str(each["kind"]), tuple(map(str, each["what"]))) for each in raw["sources"]),
            timeout=float(raw["timeout"]),
            max_bytes=int(raw["max_bytes"]),
            sensitivity=str(raw["sensitivity"]),
            root=bool(raw["root"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IncidentError(f"A definition cannot be read: {error!r}.", "Let the action send it.") from error
    if not _NAME.fullmatch(artifact.name):
        raise IncidentError(f"{artifact.name!r} is no name of an artifact.", "Write group/thing in small letters.")
    for source in artifact.sources:
        if source.kind not in _KINDS or (source.kind == "native" and source.what[0] not in READERS):
            raise IncidentError(f"{artifact.name}: there is no source {source.kind} {source.what}.", "Correct it.")
    return artifact
