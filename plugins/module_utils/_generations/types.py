# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a set of configuration files is, and what it was at one moment: frozen values, no logic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

FILE = "file"
SYMLINK = "symlink"
DIRECTORY = "directory"
ABSENT = "absent"  # declared, and not there: a part of the truth that a rollback restores as well
KINDS = (FILE, SYMLINK, DIRECTORY, ABSENT)

# Where a generation comes from.
SNAPSHOT = "snapshot"
IMPORTED = "imported"
BEFORE_ROLLBACK = "before_rollback"
ORIGINS = (SNAPSHOT, IMPORTED, BEFORE_ROLLBACK)


@dataclass(frozen=True)
class Declaration:
    """A set as the catalogue declares it. All paths are absolute; the name is a service's, or one of its own.

    ``files`` are single paths, which may be absent; ``globs`` name what matches at the moment (wildcards ``*?[]`` in
    any component, dot-files only by a pattern with a dot); ``trees`` are directories with everything below them. A
    symbolic link is kept as a link and never followed. The collection's own store is never part of a set.
    """

    name: str
    files: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One path of a set, at one moment. Bytes of names that are no UTF-8 are surrogates (``os.fsdecode``).

    ``mode``: permission bits with setuid, setgid and sticky, no file type. ``mtime_ns``: nanoseconds since 1970.
    ``sha256`` (hex) and ``size`` of a file's content; ``target`` of a symbolic link. ``xattrs``: name → value in
    base64, POSIX ACLs and capabilities included; None: the file system has none to give. ``link``: paths of one set
    with the same number (from 1) are hard links of one file, 0: none. For ``absent`` only the path says something.
    """

    path: str
    kind: str
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime_ns: int = 0
    size: int = 0
    sha256: str = ""
    target: str = ""
    xattrs: Mapping[str, str] | None = field(default_factory=dict)
    link: int = 0


@dataclass(frozen=True)
class Proof:
    """Why a generation counts as good: the services that ran on it passed ``rounds`` assessments in a row.

    ``first`` and ``last``: seconds since 1970. ``checks``: {service, probe, status} of the last round. ``services``:
    service → when its running process was started (seconds since 1970), never before the set was as it is now.
    """

    rounds: int
    first: float
    last: float
    checks: tuple[Mapping[str, str], ...]
    services: Mapping[str, float]


@dataclass(frozen=True)
class Generation:
    """A set at one moment. ``number`` counts from 1 within the set; ``created``: seconds since 1970.

    ``origin``: one of ORIGINS; ``source``: for a person, such as the backup that was imported or the incident's number.
    ``labels``: given by people, each stands for one generation of the set. ``proof``: None until it is proven.
    """

    number: int
    created: float
    declared: Declaration
    entries: tuple[Entry, ...]
    origin: str = SNAPSHOT
    source: str = ""
    labels: tuple[str, ...] = ()
    proof: Proof | None = None

    @property
    def id(self) -> str:
        """How people name it: ``main-000007``."""
        return f"{self.declared.name}-{self.number:06d}"
