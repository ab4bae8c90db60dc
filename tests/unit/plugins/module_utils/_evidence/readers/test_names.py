# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name of any bytes is one line of text for everybody, and comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ansible_collections.toombos.incident.plugins.module_utils._evidence.readers.names import exact, shown


@given(st.binary(max_size=300))
def test_any_bytes_come_back_and_are_printable_meanwhile(name: bytes) -> None:
    for also in ("", "|%"):
        text = shown(name, also)
        assert exact(text) == name
        assert text.isprintable()
        assert not set(text) & set(also)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"plain name", "plain name"),
        ("ä€".encode(), "ä€"),
        (b"a|b%0A", r"a\x7cb\x250A"),
        (b"\r\n", r"\x0d\x0a"),
        (b"\\x0a", r"\x5cx0a"),
        (b"\xff\xc3", r"\xff\xc3"),
        ("\u202e\u00a0".encode(), r"\xe2\x80\xae\xc2\xa0"),
        (b"", ""),
    ],
)
def test_only_what_harms_is_escaped(name: bytes, text: str) -> None:
    assert shown(name, "|%") == text
