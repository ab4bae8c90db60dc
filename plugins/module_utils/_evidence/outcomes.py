# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One word for what became of an artifact, and what there is to say about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from ansible_collections.toombos.incident.plugins.module_utils._evidence import parts, types as t

_SHOWN = 5  # paths that a message names


@dataclass(frozen=True)
class Outcome:
    """The part of Collected that its source decides."""

    outcome: str
    message: str = ""
    source: str = ""
    rc: int | None = None
    stderr: str = ""
    files: tuple[t.Stored, ...] = ()


class Gathered:
    """What became of the files of an artifact."""

    def __init__(self) -> None:
        self.files: tuple[t.Stored, ...] = ()
        self.absent: list[str] = []
        self.denied: list[str] = []
        self.odd: list[str] = []
        self.broken: list[str] = []
        self.many = False
        self.late = False

    def outcome(self, shown: str) -> Outcome:
        """One word for all of them: the worst that happened to any."""
        message = "; ".join(
            filter(None, ("there are too many; the first are kept" if self.many else "", *self._told()))
        )
        if self.late:
            late = "; ".join(filter(None, ("there was no time for the rest", message)))
            return Outcome(t.TIMEOUT, late, shown, files=self.files)
        if self.broken:
            return Outcome(t.ERROR, message, shown, files=self.files)
        if self.denied:
            return Outcome(t.DENIED, message, shown, files=self.files)
        if not self.files:
            return Outcome(t.ABSENT, message or "none of them is there", shown)
        return Outcome(t.TRUNCATED if self.many else by_size(self.files), message, shown, files=self.files)

    def _told(self) -> list[str]:
        return [
            f"{title}: {', '.join(paths[:_SHOWN])}{' …' if len(paths) > _SHOWN else ''}"
            for title, paths in (
                ("not kept", self.broken),
                ("not permitted", self.denied),
                ("left alone", self.odd),
                ("not there", self.absent if self.files else []),
            )
            if paths
        ]


def by_size(stored: Sequence[t.Stored]) -> str:
    """The word for what was read to its end."""
    if any(each.part != parts.WHOLE for each in stored):
        return t.TRUNCATED
    return t.COLLECTED if any(each.size for each in stored) else t.EMPTY
