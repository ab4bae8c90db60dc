# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a search for signs of a breach: what a check saw, what is odd about it, and how the check ended."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Union

# Every check ends as exactly one of these.
CLEAN = "clean"  # it looked at everything, had something to compare with, and nothing is odd
FOUND = "found"
NO_BASELINE = "no_baseline"  # nothing is odd in itself; whether anything is new cannot be said
DENIED = "denied"
TIMEOUT = "timeout"
ERROR = "error"
ABSENT = "absent"  # there is no such thing on this host
OUTCOMES = (CLEAN, FOUND, NO_BASELINE, DENIED, TIMEOUT, ERROR, ABSENT)
# In these everything was looked at.
COMPLETE = frozenset({CLEAN, FOUND, NO_BASELINE, ABSENT})

INFO, LOW, MEDIUM, HIGH, CRITICAL = "info", "low", "medium", "high", "critical"
SEVERITIES = (CRITICAL, HIGH, MEDIUM, LOW, INFO)


@dataclass(frozen=True)
class Item:
    """One thing that a check looked at.

    ``key`` says which one it is, ``value`` in which state: another key is a new thing, another value a changed one.
    ``facts`` are shown, JSON-ready, printable and without secrets. ``seen``: seconds since the epoch.
    """

    key: str
    value: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    seen: tuple[float, ...] = ()


@dataclass(frozen=True)
class Mark:
    """What is to be said of the looking itself. ``kind``: ``note``, ``denied``, ``absent`` or ``error``."""

    kind: str
    text: str


Seen = Union[Item, Mark]
Stream = Iterator[Seen]


@dataclass(frozen=True)
class Reading:
    """Everything that a check saw. ``ended``: it came to its end by itself. ``duration`` in seconds."""

    items: tuple[Item, ...] = ()
    marks: tuple[Mark, ...] = ()
    ended: bool = True
    duration: float = 0.0

    def told(self, kind: str) -> tuple[str, ...]:
        """The texts of the marks of this kind."""
        return tuple(mark.text for mark in self.marks if mark.kind == kind)


@dataclass(frozen=True)
class Oddity:
    """Why an item is worth a finding."""

    severity: str
    title: str
    detail: str = ""


@dataclass(frozen=True)
class Finding:
    """An oddity of an item. ``id`` is the same in every run, as long as it is the same thing that is odd."""

    check: str
    oddity: Oddity
    item: Item
    supports: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """``listeners-3f9a1c2b7d``."""
        about = "\0".join((self.check, self.oddity.title, self.item.key))
        return f"{self.check}-{hashlib.sha256(about.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"

    @property
    def rank(self) -> tuple[int, str, str]:
        """Sorts the worst first, and always the same way."""
        return (SEVERITIES.index(self.oddity.severity), self.check, self.item.key)
