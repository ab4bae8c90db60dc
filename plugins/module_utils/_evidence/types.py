# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture consists of: artifacts as they are declared, and what became of each.

The order of volatility is that of RFC 3227; a bag is laid out as RFC 8493 says.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, replace
from typing import Any

# Tiers, the most volatile first.
IDENTITY, VOLATILE, SERVICES, SYSTEM, FILES = 1, 2, 3, 4, 5

# Every declared artifact ends as exactly one of these.
COLLECTED = "collected"
EMPTY = "empty"  # it is there and holds nothing
ABSENT = "absent"  # there is no such thing on this host
DENIED = "denied"  # by the host, or by what may be kept of its sensitivity; the message says which
TIMEOUT = "timeout"
TRUNCATED = "truncated"  # larger than its cap: beginning and end are kept, size and digest are of the whole
ERROR = "error"
OUTCOMES = (COLLECTED, EMPTY, ABSENT, DENIED, TIMEOUT, TRUNCATED, ERROR)

# Sensitivity classes: what may be kept in clear, what only sealed, what never.
OPEN, PERSONAL, SECRET = "open", "personal", "secret"


@dataclass(frozen=True)
class Source:
    """One way to get at an artifact.

    ``kind``: ``native`` (a reader of ours, ``what`` is its name), ``files`` (``what``
    are absolute paths, also with wildcards), ``family`` (the same of logs, with all that rotation has made of them),
    ``command`` (``what`` is the argument vector).
    """

    kind: str
    what: tuple[str, ...]


@dataclass(frozen=True)
class Artifact:
    """One thing to be captured. ``sources`` are tried in order until one is there: the last needs no external tool.

    ``timeout`` in seconds, ``max_bytes`` of original content. ``root``: worth nothing without root's privileges.
    """

    name: str
    tier: int
    sources: tuple[Source, ...]
    timeout: float
    max_bytes: int
    sensitivity: str = OPEN
    root: bool = False


@dataclass(frozen=True)
class Stored:
    """One payload file of the bag. Digests in hex: of the bytes as they are stored, and of the original content.

    ``path``: in the bag, safe everywhere. ``origin``: the true path or the command; bytes that are no UTF-8 are lone
    surrogates in it, as Python reads file names. ``size``: bytes of the original, ``stored``: in the bag. ``part``:
    ``whole``, ``head`` or ``tail``. ``note``: what is odd about it. ``redacted``: what looked like a secret is masked,
    so that it differs from the original.
    """

    path: str
    origin: str
    size: int
    stored: int
    sha256: str
    sha512: str
    original_sha256: str
    part: str = "whole"
    compression: str = "none"
    note: str = ""
    redacted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """One file of capture.json; an origin that is no UTF-8 stands there readable and, to the byte, in base64."""
        entry = dict(vars(self))
        entry["origin"] = printable(self.origin)
        if entry["origin"] != self.origin:
            entry["origin_base64"] = base64.b64encode(os.fsencode(self.origin)).decode()
        return entry


@dataclass(frozen=True)
class Collected:
    """What became of an artifact. Times in seconds since the epoch and of the monotonic clock."""

    artifact: Artifact
    outcome: str
    message: str = ""
    source: str = ""
    rc: int | None = None
    stderr: str = ""
    began: float = 0.0
    began_monotonic: float = 0.0
    duration: float = 0.0
    files: tuple[Stored, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the original."""
        return sum(each.size for each in self.files if each.part != "tail")

    def to_dict(self) -> dict[str, Any]:
        """One entry of capture.json."""
        return {
            "artifact": self.artifact.name,
            "tier": self.artifact.tier,
            "sensitivity": self.artifact.sensitivity,
            "outcome": self.outcome,
            "message": printable(self.message),
            "source": printable(self.source),
            "rc": self.rc,
            "stderr": self.stderr,
            "began": self.began,
            "began_monotonic": self.began_monotonic,
            "duration": self.duration,
            "bytes": self.size,
            "files": [each.to_dict() for each in self.files],
        }


def with_note(stored: Stored, *notes: str) -> Stored:
    """The same with these notes as well."""
    return replace(stored, note="; ".join(filter(None, (stored.note, *notes))))


def printable(text: str) -> str:
    """The text with a sign in place of bytes that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
