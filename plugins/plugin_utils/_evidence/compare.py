# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What died, what is new and what stayed between two captures of a host. Pure, but for choosing the bags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.names import split_bag
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.export import Incident
from ansible_collections.toombos.incident.plugins.plugin_utils._evidence.standing import CONNECTIONS, KINDS, Part
from ansible_collections.toombos.incident.plugins.plugin_utils._report_files import file_name
from ansible_collections.toombos.incident.plugins.plugin_utils._screen import columns

_MOST = 1000  # entries of one list in the result
_SHOWN = 10  # of one on the screen
_HEADINGS = ("KIND", "CHANGE", "WHAT")
_CHANGES = ("died", "new", "changed")


@dataclass(frozen=True)
class Difference:
    """Of one kind. ``changed``: it stayed, and is called or held in another way now. Each list is complete.

    ``notes``: why they may say too much, because one side is not complete.
    """

    kind: str
    died: tuple[str, ...]
    new: tuple[str, ...]
    stayed: tuple[str, ...]
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: lists without what would fill a screen for hours, and the true numbers."""
        lists = {"died": self.died, "new": self.new, "stayed": self.stayed, "changed": self.changed}
        return {
            **{name: list(entries[:_MOST]) for name, entries in lists.items()},
            "counts": {name: len(entries) for name, entries in lists.items()},
            "notes": list(self.notes),
        }


def compare(before: Mapping[str, Part], after: Mapping[str, Part]) -> tuple[list[Difference], list[dict[str, str]]]:
    """The differences, and what could not be compared: ``kind`` and ``why``."""
    found, gone = [], []
    for kind in KINDS:
        then, now = before[kind], after[kind]
        whys = [part.gone for part in (then, now) if part.gone]
        if whys:
            gone.append({"kind": kind, "why": "; ".join(whys)})
            continue
        found.append(
            Difference(
                kind,
                died=tuple(words for key, words in then.entries.items() if key not in now.entries),
                new=tuple(words for key, words in now.entries.items() if key not in then.entries),
                stayed=tuple(words for key, words in now.entries.items() if then.entries.get(key) == words),
                changed=tuple(
                    f"{then.entries[key]}, now {words}"
                    for key, words in now.entries.items()
                    if then.entries.get(key, words) != words
                ),
                notes=tuple(part.partial for part in (then, now) if part.partial),
            )
        )
    return found, gone


def choose(incident: Incident, host: str, before: str = "", after: str = "") -> tuple[str, str]:
    """The names of two bags of the host, in this order; the first and the last of it unless they are named.

    Raises IncidentError where one cannot be read, or there are no two.
    """
    ours = _of_host(incident.bags, host)
    sealed = _of_host(incident.sealed, host)
    everything = _of_host([*ours, *sealed], host)
    if not before and not after and len(everything) < 2:
        raise IncidentError(
            f"{host} has {len(everything)} bags in {incident.directory}, and two are needed.", "Capture it again."
        )
    chosen = (before or everything[0]), (after or everything[-1])
    for name in chosen:
        if name in sealed:
            raise IncidentError(f"{name} is sealed, it cannot be read.", "Open it with its key beside it, try again.")
        if name not in ours:
            raise IncidentError(
                f"There is no bag {name} of {host} in {incident.directory}.", f"There are: {', '.join(ours) or 'none'}."
            )
    if chosen[0] == chosen[1]:
        raise IncidentError(f"{chosen[0]} is the same as itself.", "Name two bags.")
    return chosen


def render(found: Sequence[Difference], gone: Sequence[Mapping[str, str]], width: int) -> str:
    """One table for people; what is long is cut, and says so."""
    rows = []
    for each in found:
        # Of what stayed, only who is still connected is news.
        listed = (*_CHANGES, "stayed") if each.kind == CONNECTIONS else _CHANGES
        for change in listed:
            entries = getattr(each, change)
            rows += [(each.kind, change, words) for words in entries[:_SHOWN]]
            if len(entries) > _SHOWN:
                rows.append((each.kind, change, f"... and {len(entries) - _SHOWN} more"))
        if "stayed" not in listed:
            rows.append((each.kind, "stayed", str(len(each.stayed))))
    lines = columns(_HEADINGS, rows, width, 2) if rows else []
    lines += [f"Incomplete: {note}" for each in found for note in each.notes]
    lines += [f"Not compared: {each['kind']}: {each['why']}" for each in gone]
    return "\n".join(lines)


def _of_host(names: Sequence[str], host: str) -> list[str]:
    known = ((split_bag(name), name) for name in names)
    found = [(split[2], name) for split, name in known if split and split[1] == file_name(host)]
    return [name for _number, name in sorted(found)]
