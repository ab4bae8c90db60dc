# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a host stands after an isolation, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach import NOT_ASKED
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach_record import (
    FAILED,
    ISOLATED,
    OPEN,
    PLANNED,
    Situation,
    Target,
    screen,
    standing,
    steps,
)


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (None, OPEN),
        ({"skipped": True}, OPEN),
        ({"outcome": "confirmed"}, ISOLATED),
        ({"outcome": "unchanged"}, ISOLATED),
        ({"outcome": "planned"}, PLANNED),
        ({"outcome": "rolled_back"}, FAILED),
        ({"outcome": "rollback_failed"}, FAILED),
        ({"outcome": "isolated"}, FAILED),
        ({"outcome": "confirmed", "failed": True}, FAILED),
        ({"outcome": "confirmed", "unreachable": True}, FAILED),
        ({}, FAILED),
    ],
)
def test_only_what_is_confirmed_is_isolated(result: Any, word: str) -> None:
    assert standing(result)[0] == word


def test_a_name_is_quoted_and_nothing_is_released_that_is_not_isolated() -> None:
    odd = Situation("", "a", "", 0.0, (Target("w1; x", NOT_ASKED, ISOLATED), Target("w2", NOT_ASKED)))
    call, release = steps(odd)
    assert (call.words, call.command) == ("Contact the security team immediately.", "")
    assert "-e target='w1; x' -e incident=INC-…" in release.command
    assert len(steps(Situation("", "a", "", 0.0, (Target("w2", NOT_ASKED), Target("w3", NOT_ASKED, PLANNED))))) == 1


def test_no_name_steers_the_terminal() -> None:
    odd = Situation("", "a", "", 0.0, (Target("w1\x1b[2J", NOT_ASKED, FAILED, "why\u202e"),), contact="\x1b]0;x\x07")
    assert screen(odd, "\x1b[2Jr.md", 100).replace("\n", "").isprintable()
