# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which generation somebody means: the last known good, a label, an id, a date, or the newest that validates. Pure."""

from __future__ import annotations

from typing import Callable, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.moments import NoDate, end_of, start_of_day
from ansible_collections.toombos.incident.plugins.module_utils._generations.names import (
    LAST_KNOWN_GOOD,
    NEWEST_VALID,
    number_of,
)
from ansible_collections.toombos.incident.plugins.module_utils._generations.types import Generation
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

_SHOWN = 10  # generations that an error lists
# What is objected to a generation, in one line; nothing: it is valid.
Validates = Callable[[Generation], "str | None"]


def choose(generations: Sequence[Generation], to: str, validates: Validates | None = None) -> Generation:
    """The generation of one set that ``to`` means.

    ``last_known_good``: the newest that is proven. ``newest_valid``: the newest that ``validates`` does not object to.
    An id (``main-000007``, ``000007``, ``7``). A date or time (``2026-11-27``, ``2026-11-27T15:30Z``, local time unless
    it names a zone): the newest that was made before that was over. A label. Raises IncidentError, which says what
    there is.
    """
    if not generations:
        raise IncidentError("There is no generation of this set yet.", "Take or import one first.")
    ordered = sorted(generations, key=lambda each: (each.created, each.number), reverse=True)
    word = str(to).strip()
    if word == LAST_KNOWN_GOOD:
        return _last_known_good(ordered)
    if word == NEWEST_VALID:
        return _newest_valid(ordered, validates)
    number = number_of(word, ordered[0].declared.name)
    if number is not None:
        return _numbered(ordered, number, word)
    try:
        end = end_of(word)
    except NoDate:
        raise _nothing(f"There is no such day or time as {word!r}", ordered) from None
    return _labelled(ordered, word) if end is None else _before(ordered, end, word)


def _last_known_good(ordered: Sequence[Generation]) -> Generation:
    found = next((each for each in ordered if each.proof is not None), None)
    if found is None:
        raise _nothing("No generation is proven to be good", ordered, "Choose one of them, or newest_valid.")
    return found


def _newest_valid(ordered: Sequence[Generation], validates: Validates | None) -> Generation:
    if validates is None:
        raise IncidentError(
            "Nothing is declared that could tell which generation is valid.",
            "Declare config.validate or config.checks of the service, or choose a generation.",
        )
    objections = []
    for each in ordered:
        objection = validates(each)
        if not objection:
            return each
        objections.append(f"{each.id}: {objection}")
    shown = "; ".join(objections[:_SHOWN]) + _more(len(objections))
    raise IncidentError(
        f"No generation is valid: {shown}.",
        "Repair the configuration by hand, or import a backup that is older.",
        {"objections": objections},
    )


def _numbered(ordered: Sequence[Generation], number: int, word: str) -> Generation:
    found = next((each for each in ordered if each.number == number), None)
    if found is None:
        day = f"{word[:4]}-{word[4:6]}-{word[6:]}" if start_of_day(word) is not None else ""
        hint = f"For the day, write {day}." if day else "Choose one of them."
        raise _nothing(f"There is no {ordered[0].declared.name}-{number:06d}", ordered, hint)
    return found


def _before(ordered: Sequence[Generation], end: float, word: str) -> Generation:
    found = next((each for each in ordered if each.created < end), None)
    if found is None:
        raise _nothing(f"No generation is as old as {word}", ordered)
    return found


def _labelled(ordered: Sequence[Generation], word: str) -> Generation:
    found = next((each for each in ordered if word in each.labels), None)
    if found is None:
        raise _nothing(f"{word!r} is no label, no id, no date, {LAST_KNOWN_GOOD} or {NEWEST_VALID}", ordered)
    return found


def _nothing(what: str, ordered: Sequence[Generation], way_out: str = "Choose one of them.") -> IncidentError:
    there = ", ".join(_described(each) for each in ordered[:_SHOWN]) + _more(len(ordered))
    return IncidentError(f"{what}. There are: {there}.", way_out, {"generations": [each.id for each in ordered]})


def _described(generation: Generation) -> str:
    words = [moment(generation.created)]
    if generation.proof is not None:
        words.append("proven")
    if generation.labels:
        words.append(f"called {' and '.join(generation.labels)}")
    return f"{generation.id} ({', '.join(words)})"


def _more(count: int) -> str:
    return f" and {count - _SHOWN} older ones" if count > _SHOWN else ""
