# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many tests passed, failed and were skipped, as the logs of the tools say it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """What one stage counted."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def _command(_log: str, rc: int) -> Counts:
    """A check that speaks only by its exit code."""
    return Counts(passed=int(rc == 0), failed=int(rc != 0))


def _pytest(log: str, _rc: int) -> Counts:
    """The closing lines of pytest, ``=== 3 passed, 1 skipped in 0.1s ===`` or the same without the frame under ``-q``.

    An xfail passed (it failed as expected), an error failed.
    """
    total = Counts()
    for line in re.findall(r"^(?:=+ )?((?:\d+ \w+(?:, )?)+) in [\d.:]+m?s", log, flags=re.MULTILINE):
        found = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", line)}
        total += Counts(
            passed=found.get("passed", 0) + found.get("xfailed", 0),
            failed=sum(found.get(word, 0) for word in ("failed", "error", "errors", "xpassed")),
            skipped=found.get("skipped", 0),
        )
    return total


def _sanity(log: str, _rc: int) -> Counts:
    """One test per line "Running sanity test", some run for each Python; how many failed is said at the end."""
    ran = len(re.findall(r"^Running sanity test ", log, flags=re.MULTILINE))
    failed = re.search(r"(\d+) sanity test\(s\) listed below \(out of \d+\) failed", log)
    count = int(failed.group(1)) if failed else 0
    return Counts(passed=ran - count, failed=count)


def _integration(log: str, _rc: int) -> Counts:
    """One test per target that ansible-test ran; it stops at the first that fails."""
    ran = len(re.findall(r"^Running [\w-]+ integration test role", log, flags=re.MULTILINE))
    failed = int("NOTICE: To resume at this test target" in log)
    return Counts(passed=ran - failed, failed=failed)


def _molecule(log: str, _rc: int) -> Counts:
    """One test per action of a scenario that molecule says it executed."""
    words = re.findall(r"\[[\w/-]+ > [\w-]+\] (?:INFO +)?Executed: (\w+)", log)
    failed = sum(word.lower().startswith("fail") for word in words)
    return Counts(passed=sum(word.lower().startswith("success") for word in words), failed=failed)


def _chaos(log: str, rc: int) -> Counts:
    """The campaign's cases beside the tests of its own parts."""
    said = re.search(r"^chaos: (\d+) cases right, (\d+) wrong$", log, flags=re.MULTILINE)
    right, wrong = map(int, said.groups()) if said else (0, 0)
    return _pytest(log, rc) + Counts(passed=right, failed=wrong)


COUNTERS: dict[str, Callable[[str, int], Counts]] = {
    "chaos": _chaos,
    "command": _command,
    "integration": _integration,
    "molecule": _molecule,
    "pytest": _pytest,
    "sanity": _sanity,
}

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def plain(log: str) -> str:
    """The log without colours."""
    return _COLOUR.sub("", log)


def count(kind: str, log: str, rc: int) -> Counts:
    """What a log with exit code ``rc`` counted; a failure that no line mentions still counts as one."""
    counts = COUNTERS[kind](plain(log), rc)
    if rc and not counts.failed:
        return counts + Counts(failed=1)
    return counts
