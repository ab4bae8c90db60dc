# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as people type them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from ansible_collections.toombos.incident.plugins.module_utils._values import (
    ValueProblem,
    format_duration,
    parse_bool,
    parse_duration,
)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (3, 3.0),
        (0, 0.0),
        (1.5, 1.5),
        ("3", 3.0),
        (" 2.5 ", 2.5),
        ("500ms", 0.5),
        ("3s", 3.0),
        ("15m", 900.0),
        ("15min", 900.0),
        ("1h", 3600.0),
        ("2d", 172800.0),
        ("1h30m", 5400.0),
        ("1M", 60.0),
    ],
)
def test_durations(value: Any, seconds: float) -> None:
    assert parse_duration(value) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value", ["", "abc", "3x", "s", "-3", "-3s", "3s!", "1 h", -1, True, None, [], float("inf"), float("nan")]
)
def test_no_durations(value: Any) -> None:
    with pytest.raises(ValueProblem) as caught:
        parse_duration(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("value", [True, "true", "True", "yes", "y", "on", "1", 1, " YES "])
def test_true(value: Any) -> None:
    assert parse_bool(value) is True


@pytest.mark.parametrize("value", [False, "false", "No", "n", "off", "0", 0])
def test_false(value: Any) -> None:
    assert parse_bool(value) is False


@pytest.mark.parametrize("value", ["", "maybe", 2, None, "truee"])
def test_neither_true_nor_false(value: Any) -> None:
    with pytest.raises(ValueProblem, match="neither true nor false"):
        parse_bool(value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0s"), (0.44, "0.4s"), (12.34, "12s"), (59.99, "1m00s"), (60, "1m00s"), (125, "2m05s"), (3725, "1h02m")],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats(min_value=0, max_value=1e9))
def test_plain_seconds_come_back(seconds: float) -> None:
    assert parse_duration(seconds) == seconds
