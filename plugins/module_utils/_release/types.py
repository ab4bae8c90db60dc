# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a code rollback is about: frozen values, the words of its results, and what a kind of releases must offer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Protocol

GIT, SYMLINK = "git", "symlink"
KINDS = (GIT, SYMLINK)

LAST_KNOWN_GOOD = "last_known_good"
PREVIOUS = "previous"

# What became of a rollback.
APPLIED = "applied"  # the target is in place, and the services are no worse than before
UNCHANGED = "unchanged"  # it was in place already
PLANNED = "planned"  # check mode
ROLLED_BACK = "rolled_back"  # the target failed or made it worse; what was there before is in place again
ROLLBACK_FAILED = "rollback_failed"  # neither could be reached: a person is needed


@dataclass(frozen=True)
class Spec:
    """Where the code of an application lives and how it is deployed.

    ``path``: the working tree, or the link ``current``. ``user`` None: the owner of that. ``good``: the reference that
    stands for the last known good. ``deploy``: run as the user in the directory of the release, after each switch.
    ``marker``: a file without which a release directory is not complete, ``validate``: a command that accepts (rc 0) or
    rejects one. Times in seconds.
    """

    kind: str
    path: str
    user: str | None = None
    good: str = ""
    deploy: tuple[str, ...] = ()
    deploy_timeout: float = 300.0
    remote: str = "origin"
    submodules: bool = True
    releases: str = ""
    marker: str = ""
    validate: tuple[str, ...] = ()
    validate_timeout: float = 60.0


@dataclass(frozen=True)
class Release:
    """The release in place. ``id``: its commit, or its directory; ``name``: for people.

    ``dirty``: what is in place is not exactly the release. ``detail``: for the result. ``state``: enough to put it
    back, with what was preserved. Both are JSON-ready.
    """

    id: str
    name: str
    dirty: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """The release that is wanted. ``known`` False: it has to be fetched first. ``state``: JSON-ready, see Release."""

    id: str
    name: str
    known: bool = True
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """What lies between two releases; None: cannot be told. ``undone``: commits (``abc1234 subject``) that go away."""

    undone: tuple[str, ...] | None = None
    added: int | None = None
    files: int | None = None


@dataclass(frozen=True)
class Preserved:
    """What was kept of a dirty tree. ``digest``: SHA-256 of its manifest, which has those of all files."""

    path: str
    digest: str
    files: int
    bytes: int
    empty: bool

    def to_dict(self) -> dict[str, Any]:
        """For the result."""
        return {"path": self.path, "digest": self.digest, "files": self.files, "bytes": self.bytes}


class Releases(Protocol):
    """A kind of releases. Everything is done as the user who owns them. All may raise IncidentError and OSError."""

    directory: str  # where the release in place is reached, for the deploy hook

    def observe(self) -> Release:
        """What is in place now. Changes nothing."""

    def find(self, ref: str, *, fetch: bool, rehearse: bool) -> Target:
        """What ``ref`` means; where it is not here, and only with ``fetch``, the remote is asked. A rehearsal keeps
        nothing of its answer.
        """

    def difference(self, current: Release, target: Target) -> Difference:
        """What lies between the two."""

    def obstacles(self, current: Release, target: Target, *, fetch: bool) -> list[str]:
        """Why the target cannot be put in place without loss; sentences. Changes nothing."""

    def clear_leftovers(self) -> list[str]:
        """Remove the locks of programs that were killed; sentences about what was done. Raises when one may live."""

    def preserve(self, current: Release, target: Target, directory: str) -> Preserved:
        """Keep everything that a switch to the target would overwrite, in this new directory."""

    def switch(self, target: Target, *, fetch: bool) -> None:
        """Put the target in place, exactly."""

    def put_back(self, state: Mapping[str, Any], target: Mapping[str, Any], preserved: str) -> list[str]:
        """Put the release with that state in place again, whatever is there now of the target; notes."""
