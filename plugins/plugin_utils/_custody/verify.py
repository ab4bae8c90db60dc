# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is everything about an incident what the custody log says? Every problem is named; nothing is believed unseen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._custody import log as l
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.anchor import Anchor
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.bagcheck import (
    Progress,
    check_bag,
    file_digests,
    silent,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import (
    CUSTODY,
    LOCK,
    SIGNER_CHANGED,
    TEMPORARY,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.capture import CAPTURED, RECOVERED, VERIFIED
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.fleet import FLEET
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.home import INCOMING
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.package import METHODS
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.seal import (
    BadSignature,
    check_signature,
    signed_by,
)

DERIVED = "derived"
_OURS = frozenset({CUSTODY, LOCK, INCOMING, DERIVED})


@dataclass(frozen=True)
class Problem:
    """``where``: a file or bag of the incident; ``what`` goes on as a sentence about it."""

    where: str
    what: str


@dataclass(frozen=True)
class Verified:
    """``problems``: none means good. ``log``: None if it cannot be relied on. ``bags``: those that were checked."""

    problems: tuple[Problem, ...]
    log: l.Log | None = None
    bags: tuple[str, ...] = ()


@dataclass
class _Findings:
    problems: list[Problem] = field(default_factory=list)
    bags: list[str] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        self.problems.append(Problem(where, what))


def verify(
    directory: str,
    allowed_signers: str,
    anchor: Anchor | None = None,
    head: str = "",
    progress: Progress = silent,
) -> Verified:
    """Check the directory of an incident. ``allowed_signers``: the text of such a file, of those who are trusted.

    ``anchor``: what this controller remembers; ``head``: one that somebody has noted down. Raises OSError for what
    cannot be read, and IncidentError without ssh-keygen.
    """
    found = _Findings()
    try:
        log = l.read_log(Path(directory, CUSTODY).read_bytes())
    except FileNotFoundError:
        return Verified((Problem(CUSTODY, "is missing"),))
    except l.BrokenLog as error:
        return Verified(tuple(Problem(CUSTODY, problem) for problem in error.problems))
    _signatures(log, allowed_signers, found)
    _heads(log, anchor, head, found)
    signed = not found.problems
    content = _contents(log, found)
    beside = _files(directory, log, found)
    _bags(directory, content, beside, found, progress)
    return Verified(tuple(found.problems), log if signed else None, tuple(found.bags))


def _signatures(log: l.Log, allowed: str, found: _Findings) -> None:
    """Of the whole, and of each part that somebody else had signed before."""
    try:
        _signature(log, allowed)
        for number, record in enumerate(log.records):
            if record["event"] == SIGNER_CHANGED:
                _signature(l.sealed_at(log, number, record["detail"].get("seal", {})), allowed)
    except (BadSignature, l.BrokenLog) as error:
        found.add(CUSTODY, error.message)


def _signature(log: l.Log, allowed: str) -> None:
    check_signature(log.body, str(log.seal["signature"]), allowed)
    if signed_by(str(log.seal["signature"])) != log.seal["signer"]:
        raise BadSignature("The seal names another key than the one that has signed.")


def _heads(log: l.Log, anchor: Anchor | None, head: str, found: _Findings) -> None:
    if anchor is not None and (anchor.seq > len(log.heads) or log.heads[anchor.seq - 1] != anchor.head):
        found.add(CUSTODY, f"is not the log that this controller wrote, with record {anchor.seq}: {anchor.head}")
    if head and head not in log.heads:
        found.add(CUSTODY, f"has no record with the digest {head}: it is older, or another one")


def _contents(log: l.Log, found: _Findings) -> dict[str, Mapping[str, Any]]:
    """Bag → what it has to be, with ``arrived``: whether it has to be there. All records about it have to agree."""
    content: dict[str, dict[str, Any]] = {}
    for record in log.records:
        bag, event, detail = record["bag"], record["event"], record["detail"]
        if not bag or event not in (CAPTURED, RECOVERED, VERIFIED):
            continue
        told = {key: detail.get(key) for key in ("method", "sha256", "tagmanifest_sha256")}
        before = content.setdefault(bag, {**told, "arrived": False})
        if any(before[key] != value for key, value in told.items()):
            found.add(bag, f"is another one in record {record['seq']} than before")
        before["arrived"] |= event == VERIFIED
    return {bag + METHODS.get(str(each["method"]), ""): each for bag, each in content.items()}


def _files(directory: str, log: l.Log, found: _Findings) -> frozenset[str]:
    """The small files beside the log are those that it names last; the names."""
    named: dict[str, Any] = {}
    for record in log.records:
        beside = record["detail"].get("beside")
        named.update(beside if isinstance(beside, dict) else {})
    for name in sorted({*named, FLEET}):
        path = os.path.join(directory, name)
        if not os.path.lexists(path):
            if name in named:
                found.add(name, "is missing")
        elif os.path.islink(path) or not os.path.isfile(path):
            found.add(name, "is not a file")
        elif name not in named:
            found.add(name, "is not mentioned in the custody log")
        elif file_digests(path, algorithms=("sha256",)) != [named[name]]:
            found.add(name, "is not the one of the custody log")
    return frozenset(named)


def _bags(
    directory: str,
    content: Mapping[str, Mapping[str, Any]],
    beside: frozenset[str],
    found: _Findings,
    progress: Progress,
) -> None:
    known = _OURS | {FLEET, "allowed_signers", "verify.sh"} | beside
    present = {name for name in os.listdir(directory) if name not in known and not TEMPORARY.fullmatch(name)}
    for name in sorted(present - content.keys()):
        found.add(name, f"is not mentioned in the custody log (what is no evidence belongs into {DERIVED}/)")
    for name, expected in sorted(content.items()):
        if name in present:
            found.bags.append(name)
            for what in _bag(os.path.join(directory, name), expected, progress):
                found.add(name, what)
            if not expected["arrived"]:
                found.add(name, "is here, and the custody log does not say that it arrived (capture that host again)")
        elif expected["arrived"]:
            found.add(name, "is missing")


def _bag(path: str, expected: Mapping[str, Any], progress: Progress) -> list[str]:
    if os.path.islink(path) or os.path.isdir(path) != (expected["method"] == "none"):
        return ["is not of the kind that the custody log says"]
    if expected["method"] != "none":
        same = file_digests(path, progress, ("sha256",)) == [expected["sha256"]]
        return [] if same else ["is not the sealed package of the custody log"]
    checked = check_bag(path, progress)
    problems = list(checked.problems)
    if checked.tagmanifest_sha256 and checked.tagmanifest_sha256 != expected["tagmanifest_sha256"]:
        problems.append("is not the bag of the custody log: its manifests are others")
    return problems
