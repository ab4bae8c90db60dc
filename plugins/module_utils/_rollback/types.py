# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a switch of files consists of, and how it can end: frozen values, no logic."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Callable, Iterator, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import shown
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Entry

# What is done to a path, in this order.
MAKE = "make"  # a directory that is new, with everything below it
PUT = "put"  # a file or a symbolic link
LINK = "link"  # one more name of a file that was put before
REMOVE = "remove"
ATTRIBUTES = "attributes"  # of a directory that stays
VERBS = (MAKE, PUT, LINK, REMOVE, ATTRIBUTES)

# sha256 → the content, in pieces. Raises IncidentError when it is not there or not what it should be.
Contents = Callable[[str], Iterator[bytes]]


@dataclass(frozen=True)
class Operation:
    """One path that is switched, by one rename (ATTRIBUTES: in place). An absent side has the kind ``absent``.

    ``inside_before`` and ``inside_after``: everything below a directory that goes or comes as a whole, parents first.
    """

    verb: str
    path: str
    before: Entry
    after: Entry
    inside_before: tuple[Entry, ...] = ()
    inside_after: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Switch:
    """What leads from one state of a set to another. ``kept``: what is the same in both, and must stay so."""

    operations: tuple[Operation, ...] = ()
    kept: tuple[Entry, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Everything that differs, below new and removed directories as well, sorted."""
        inside = [entry.path for each in self.operations for entry in (*each.inside_before, *each.inside_after)]
        return tuple(sorted({*inside, *(each.path for each in self.operations)}))


@dataclass(frozen=True)
class Objection:
    """Why a switch is not begun."""

    path: str
    message: str
    way_out: str


@dataclass(frozen=True)
class Settled:
    """How a switch ended. ``outcome``: ``nothing`` (none was under way), ``undone`` (all old), ``finished`` (all new).

    ``paths``: of its operations. ``kept``: hidden files with what others put there meanwhile; nobody but a person
    removes these.
    """

    outcome: str
    paths: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """For a person."""
        count = f"{len(self.paths)} path{'' if len(self.paths) == 1 else 's'}"
        text = {
            "undone": f"a switch of {count} was undone: everything is as it was before",
            "finished": f"a switch of {count} was finished: everything is new",
        }.get(self.outcome, "no switch was under way")
        kept = f"; what others put there meanwhile is kept in {', '.join(map(shown, self.kept))}" if self.kept else ""
        return text + kept


class Refused(IncidentError):
    """Nothing was changed. ``result["objections"]``: {path, message, way_out} of every reason."""

    def __init__(self, objections: Sequence[Objection]) -> None:
        self.objections = tuple(objections)
        first, more = objections[0], len(objections) - 1
        others = f" ({more} more objection{'' if more == 1 else 's'}.)" if more else ""
        found = [{name: shown(text) for name, text in asdict(each).items()} for each in objections]
        message = shown(f"{first.message} Nothing was changed.{others}")
        super().__init__(message, shown(first.way_out), {"objections": found})


class SwitchFailed(IncidentError):
    """Decided, and could not be finished: ``new`` and ``old`` name every path; ``reasons``: path → why it is old."""

    def __init__(self, new: Sequence[str], old: Sequence[str], reasons: dict[str, str], way_out: str) -> None:
        self.new, self.old = tuple(map(shown, new)), tuple(map(shown, old))
        self.reasons = {shown(path): reason for path, reason in reasons.items()}
        why = "; ".join(f"{path}: {reason}" for path, reason in self.reasons.items())
        result: dict[str, Any] = {"status": "rollback_failed", "new": [*self.new], "old": [*self.old]}
        result["reasons"] = self.reasons
        super().__init__(
            f"The switch is decided, but could not be finished ({why}). "
            f"New: {', '.join(self.new) or 'none'}. Old: {', '.join(self.old) or 'none'}.",
            way_out,
            result,
        )
