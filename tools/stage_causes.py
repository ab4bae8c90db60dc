# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong, as the log of a failed stage tells it: often far above its end, which may be cleaning up only."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from stage_counts import plain

LINES = 120  # of causes, however many there are
WIDTH = 1000  # of one line; a result as JSON may be very long, and says at its end what at its beginning it does not
BEFORE = 2  # lines that lead up to one that tells
GAP = "[...]"
BRIEF = 4  # lines that name what failed, for who sees only the end
BRIEF_WIDTH = 400

# Lines that tell a cause, and how many lines after them belong to it.
_TELLING: Sequence[tuple[re.Pattern[str], int]] = [
    (re.compile(r"fatal: \[|\bFAILED!|\bUNREACHABLE!|^failed: \["), 25),
    (re.compile(r"^\[ERROR\]|^(?:ERROR|FATAL|CRITICAL)\b"), 15),
    (re.compile(r"Traceback \(most recent call last\)|^Traceback:"), 25),
    (re.compile(r"^(?:E  |FAILED |ERROR )|\bAssertionError\b"), 1),
    (re.compile(r"^_{3,} .+ _{3,}$|: error: |^Error: "), 0),
]
# Lines that say in themselves what failed, the best kind first: only the first kind that there is says it.
_NAMING: Sequence[re.Pattern[str]] = [
    re.compile(r"^(?:FAILED|ERROR) tests/|^WRONG seed \d+ case \d+: "),
    re.compile(r"fatal: \[|^failed: \["),
    re.compile(r"^\[ERROR\]|^(?:ERROR|FATAL|CRITICAL)\b|: error: |^Error: |^E  "),
]
# Where something else begins: pytest's frames, a play, a task, an action of molecule.
_HEADLINE = r"^(?:PLAY|TASK|RUNNING HANDLER|PLAY RECAP)\b.*\*{3,}$"
_TASK = re.compile(_HEADLINE)
_BOUNDARY = re.compile(rf"{_HEADLINE}|^_{{3,}} .+ _{{3,}}$|^={{3,}} .+ ={{3,}}$|\[[\w/-]+ > [\w-]+\] ")
_BEGUN = re.compile(r"\[([\w/-]+ > [\w-]+)\] (?:INFO +)?Executing\b")
_WELL = re.compile(r"\[([\w/-]+ > [\w-]+)\] (?:INFO +)?Executed: Success")


def causes(log: str, but_last: int = 0) -> list[str]:
    """The excerpts around the lines that tell, in their order, with a line ``[...]`` where something was left out.

    ``but_last``: so many lines at the end are shown anyway, and not looked through. At most about ``LINES`` lines come
    back, none when nothing tells.
    """
    lines = plain(log).rstrip().split("\n")
    if but_last:
        lines = lines[:-but_last]
    dropped = _in_actions_that_went_well(lines) | _in_tasks_that_may_fail(lines)
    wanted = _wanted(lines, dropped)
    shown: list[str] = []
    for at, number in enumerate(wanted):
        if len(shown) >= LINES:
            return [*shown, f"{GAP} {len(wanted) - at} more lines that tell something"]
        if not at or wanted[at - 1] != number - 1:
            shown.append(GAP)
        shown.append(_short(lines[number]))
    return shown


def brief(log: str) -> list[str]:
    """What failed, in at most ``BRIEF`` lines; the last line that says something when none names it."""
    lines = plain(log).rstrip().split("\n")
    dropped = _in_actions_that_went_well(lines) | _in_tasks_that_may_fail(lines)
    for pattern in _NAMING:
        named = [line for number, line in enumerate(lines) if number not in dropped and pattern.search(line)]
        if named:
            more = [f"{GAP} {len(named) - BRIEF} more"] if len(named) > BRIEF else []
            return [_short(line.strip(), BRIEF_WIDTH) for line in named[:BRIEF]] + more
    return [_short(line.strip(), BRIEF_WIDTH) for line in lines if line.strip()][-1:]


def _wanted(lines: Sequence[str], dropped: set[int]) -> list[int]:
    """The numbers of the lines that tell, and of those around them."""
    wanted: set[int] = set()
    for number, line in enumerate(lines):
        after = next((count for pattern, count in _TELLING if pattern.search(line)), None)
        if after is None or number in dropped:
            continue
        wanted.update(range(_back(lines, number), _forth(lines, number, after) + 1))
    return sorted(wanted - dropped)


def _back(lines: Sequence[str], number: int) -> int:
    """Where an excerpt begins: its own headline, when that is near."""
    for earlier in range(number, max(number - BEFORE, 0) - 1, -1):
        if _BOUNDARY.search(lines[earlier]):
            return earlier
    return max(number - BEFORE, 0)


def _forth(lines: Sequence[str], number: int, after: int) -> int:
    """Where an excerpt ends: before the next headline."""
    last = min(number + after, len(lines) - 1)
    return next((later - 1 for later in range(number + 1, last + 1) if _BOUNDARY.search(lines[later])), last)


def _in_actions_that_went_well(lines: Sequence[str]) -> set[int]:
    """Lines of molecule's actions that succeeded: what failed in there was meant to."""
    begun: dict[str, int] = {}
    well: set[int] = set()
    for number, line in enumerate(lines):
        if found := _BEGUN.search(line):
            begun[found[1]] = number
        elif (found := _WELL.search(line)) and found[1] in begun:
            well.update(range(begun.pop(found[1]), number + 1))
    return well


def _in_tasks_that_may_fail(lines: Sequence[str]) -> set[int]:
    """Lines of Ansible's tasks whose failure is ignored."""
    starts = [number for number, line in enumerate(lines) if _TASK.search(line)]
    ignored: set[int] = set()
    for begin, end in itertools.pairwise([*starts, len(lines)]):
        if "...ignoring" in lines[begin:end]:
            ignored.update(range(begin, end))
    return ignored


def _short(line: str, width: int = WIDTH) -> str:
    """The beginning and the end of a line that is too long."""
    return line if len(line) <= width else f"{line[: width // 2]} {GAP} {line[-width // 2 :]}"
