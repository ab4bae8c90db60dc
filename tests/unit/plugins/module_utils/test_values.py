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
    format_size,
    parse_bool,
    parse_duration,
    parse_size,
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


@pytest.mark.parametrize(
    ("value", "count"),
    [(0, 0), (4096, 4096), ("17", 17), ("17B", 17), ("64KiB", 65536), (" 2 GiB ", 2 << 30), ("1TiB", 1 << 40)],
)
def test_sizes(value: Any, count: int) -> None:
    assert parse_size(value) == count


@pytest.mark.parametrize("value", ["", "-1", "1.5GiB", "2GB", "GiB", True, None, [], "9" * 16])
def test_what_is_no_size(value: Any) -> None:
    with pytest.raises(ValueProblem, match="is not a size"):
        parse_size(value)


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (325_058_560, "310.0 MiB"), (5 << 40, "5120.0 GiB")],
)
def test_sizes_for_people(count: int, shown: str) -> None:
    assert format_size(count) == shown
