# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How evidence is kept, in the inventory's words and in the responder's."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.plugin_utils._evidence_policy import read_evidence
from ansible_collections.toombos.incident.plugins.plugin_utils._policy import Refusal

WHY = "the disk is full, alice"


def test_nothing_said_means_wanted_with_the_data_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    policy = read_evidence({})
    assert (policy.mode, policy.budget, policy.home) == ("wanted", 60.0, "/data/toombos-incident/evidence")
    assert policy.to_dict()["keep"] == ["open", "personal"]


@pytest.mark.parametrize(
    ("raw", "word", "reason", "mode", "said"),
    [
        ({}, "skip", WHY, "skip", WHY),
        ({}, "no", WHY, "skip", WHY),
        ({}, "FALSE", WHY, "skip", WHY),
        ({"mode": "skip", "reason": WHY}, "", "", "skip", WHY),
        ({"mode": False, "reason": WHY}, "", "", "skip", WHY),
        ({"mode": "skip", "reason": WHY}, "yes", "", "wanted", WHY),
        ({"mode": "skip", "reason": WHY}, "required", "", "required", WHY),
        ({"mode": "required"}, "skip", WHY, "skip", WHY),
        # a reason that was given for something else does not change the inventory's mode
        ({"mode": "required"}, "", WHY, "required", ""),
    ],
)
def test_the_responders_word_wins(raw: Any, word: str, reason: str, mode: str, said: str) -> None:
    policy = read_evidence(raw, word, reason)
    assert (policy.mode, policy.reason) == (mode, said)


@pytest.mark.parametrize(
    ("raw", "word", "reason", "problem"),
    [
        ({}, "skip", "", "Skipping the evidence needs a reason"),
        ({}, "skip", "no", "at least 10 characters"),
        ({"mode": "skip"}, "", WHY, "incident_evidence.reason in the inventory"),
        ({}, "skpi", WHY, "'skpi' is not known (did you mean 'skip'?)"),
        ({"mode": "never"}, "", "", "incident_evidence.mode: 'never' is not known"),
        ({"hoem": "/x"}, "", "", "knows no 'hoem' (did you mean 'home'?)"),
        ({"home": "evidence"}, "", "", "'evidence' is not an absolute path"),
        ({"budget": "2m"}, "", "", "is not from 1s to 60s"),
        ({"keep": ["everything"]}, "", "", "must be a list of open, personal, secret"),
        ({"seal": "age"}, "", "", "must be a mapping"),
        (["home"], "", "", "must be a mapping"),
    ],
)
def test_what_is_not_clear_is_refused_with_the_way_out(raw: Any, word: str, reason: str, problem: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_evidence(raw, word, reason)
    assert problem in str(caught.value)
