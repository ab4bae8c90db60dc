# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an isolation adds up to on the controller: only what was confirmed is none that failed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._containing import both, concluded, waits

NOT = "isolated, and not confirmed"
FIRST: dict[str, Any] = {
    "outcome": "isolated",
    "token": "t",
    "until": "2026-11-28T03:50:00Z",
    "changed": True,
    "plan": [1],
    "msg": "isolated",
}


def test_a_confirmation_has_the_last_word() -> None:
    said = {"outcome": "confirmed", "msg": "it stays", "proof": {"cut": 7}, "failed": False, "diff": {}}
    assert both(FIRST, said) == {
        **FIRST,
        "outcome": "confirmed",
        "msg": "it stays",
        "proof": {"cut": 7},
        "failed": False,
        "token": "",
        "until": "",
    }


@pytest.mark.parametrize(
    ("said", "outcome", "message"),
    [
        (
            {"unreachable": True, "msg": "Connection refused."},
            "isolated",
            "isolated, and not confirmed: Connection refused. The host goes back by itself at 2026-11-28T03:50:00Z.",
        ),
        (
            {"failed": True, "outcome": "rolled_back", "msg": "late"},
            "rolled_back",
            f"{NOT}: late.",
        ),
        (
            {"failed": True, "outcome": "rollback_failed", "msg": "no"},
            "rollback_failed",
            f"{NOT}: no.",
        ),
        ({"outcome": "confirmed", "failed": True, "msg": "?"}, "confirmed", f"{NOT}: ?."),
        (
            {},
            "isolated",
            "isolated, and not confirmed: there was no answer. The host goes back by itself at 2026-11-28T03:50:00Z.",
        ),
    ],
)
def test_anything_else_fails(said: dict[str, Any], outcome: str, message: str) -> None:
    found = both(FIRST, said)
    assert (found["failed"], found["outcome"], found["msg"]) == (True, outcome, message)
    assert found.get("unreachable", False) == said.get("unreachable", False)
    assert found["token"] == "t"


def test_only_an_isolation_with_a_token_waits() -> None:
    assert waits(FIRST)
    assert not waits({**FIRST, "failed": True})
    assert not waits({**FIRST, "token": ""})
    assert not waits({**FIRST, "outcome": "unchanged"})
    assert not waits({"failed": True, "msg": "refused"})


@pytest.mark.parametrize(
    ("outcome", "failed"),
    [("confirmed", False), ("unchanged", False), ("planned", False), ("rolled_back", True), ("isolated", True)],
)
def test_without_a_second_call_the_outcome_decides(outcome: str, failed: bool) -> None:
    assert concluded({"outcome": outcome})["failed"] is failed
    assert concluded({"outcome": outcome, "failed": True})["failed"] is True
    assert concluded({"msg": "refused"})["failed"] is True
