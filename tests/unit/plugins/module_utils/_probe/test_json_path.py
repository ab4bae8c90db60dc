# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in a JSON document."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._probe.json_path import MISSING, find, same, show

DOCUMENT = {"a": {"b": [1, {"c": None}]}, "0": "zero", "x": "y"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("x", "y"),
        ("0", "zero"),
        ("a.b.0", 1),
        ("a.b.1.c", None),
        ("a.b.2", MISSING),
        ("a.b.-1", MISSING),
        ("a.b.x", MISSING),
        ("x.0", MISSING),
        ("nope", MISSING),
        ("a.b.1.c.d", MISSING),
    ],
)
def test_find(path: str, value: Any) -> None:
    assert find(DOCUMENT, path) is value or find(DOCUMENT, path) == value


@pytest.mark.parametrize(
    ("value", "accepted", "equal"),
    [
        (1, 1, True),
        (1, 1.0, True),
        (True, 1, False),
        (1, True, False),
        (True, True, True),
        ("1", 1, False),
        (None, None, True),
        (None, False, False),
        ([], None, False),
    ],
)
def test_same(value: Any, accepted: Any, equal: bool) -> None:
    assert same(value, accepted) is equal


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 999, "x" * 200),
        (None, None),
        (True, True),
        (7, 7),
        (1.5, 1.5),
        (float("inf"), "Infinity"),
        ([1, {"a": 2}], '[1, {"a": 2}]'),
    ],
)
def test_show(value: Any, shown: Any) -> None:
    assert show(value) == shown
