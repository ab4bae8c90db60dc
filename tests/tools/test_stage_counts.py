# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting decides what is green: each kind of log, with and without failures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))

from stage_counts import Counts, count

SANITY = """\
Running sanity test "compile" on Python 3.8
Running sanity test "compile" on Python 3.9
Running sanity test "import" on Python 3.8
Running sanity test "pep8"
"""
SANITY_FAILED = """\
FATAL: The 2 sanity test(s) listed below (out of 4) failed. See error output above for details.
import --python 3.8
pep8
"""
MOLECULE = """\
INFO     [default > create] Executing
INFO     [default > create] Executed: Successful
INFO     [default > converge] Executed: Successful
"""
INTEGRATION = """\
Running health_check integration test role
PLAY RECAP *****
Running service_recovery integration test role
PLAY RECAP *****
"""
INTEGRATION_FAILED = """\
NOTICE: To resume at this test target, use the option: --start-at service_recovery
FATAL: Command "ansible-playbook service_recovery.yml -i inventory" returned exit status 2.
"""


@pytest.mark.parametrize(
    ("kind", "log", "rc", "expected"),
    [
        ("command", "", 0, Counts(passed=1)),
        ("command", "", 3, Counts(failed=1)),
        ("pytest", "==== 3 passed, 1 skipped in 0.12s ====\n", 0, Counts(passed=3, skipped=1)),
        ("pytest", "3 passed in 75.10s (0:01:15)\n", 0, Counts(passed=3)),
        ("pytest", "1 failed, 2 passed, 1 xfailed, 2 errors in 1.00s\n", 1, Counts(passed=3, failed=3)),
        ("pytest", "2 passed in 1.0s\nsecond run\n=== 1 failed in 2.0s ===\n", 1, Counts(passed=2, failed=1)),
        ("pytest", "2 passed in 1.0s\nTOTAL coverage 80 % is less than 95 %\n", 1, Counts(passed=2, failed=1)),
        ("pytest", "no tests ran in 0.01s\n", 5, Counts(failed=1)),
        ("chaos", "6 passed in 0.1s\nchaos: 48 cases right, 2 wrong\n", 1, Counts(passed=54, failed=2)),
        ("chaos", "6 passed in 0.1s\nchaos: 50 cases right, 0 wrong\n", 1, Counts(passed=56, failed=1)),
        ("chaos", "", 0, Counts()),
        ("sanity", SANITY, 0, Counts(passed=4)),
        ("sanity", SANITY + SANITY_FAILED, 1, Counts(passed=2, failed=2)),
        ("sanity", "", 0, Counts()),
        ("molecule", MOLECULE, 0, Counts(passed=2)),
        ("molecule", MOLECULE + "CRITICAL [default > verify] Executed: Failed\n", 1, Counts(passed=2, failed=1)),
        ("integration", INTEGRATION, 0, Counts(passed=2)),
        ("integration", INTEGRATION + INTEGRATION_FAILED, 1, Counts(passed=1, failed=1)),
    ],
)
def test_counts(kind: str, log: str, rc: int, expected: Counts) -> None:
    assert count(kind, log, rc) == expected


def test_colours_do_not_hide_the_numbers() -> None:
    assert count("pytest", "\x1b[32m\x1b[1m5 passed\x1b[0m\x1b[32m in 0.10s\x1b[0m\n", 0) == Counts(passed=5)


def test_the_closing_line_is_the_one_that_machines_read() -> None:
    assert str(Counts(passed=2, failed=1)) == "2 passed, 1 failed"
    assert str(Counts(passed=2) + Counts(skipped=1)) == "2 passed, 0 failed, 1 skipped"
