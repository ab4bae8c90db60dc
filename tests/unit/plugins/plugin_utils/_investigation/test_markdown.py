# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of others stays text, whatever it contains."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.markdown import name, table, text

ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


@given(st.text())
def test_text_is_one_line_without_markup_and_says_the_same(value: str) -> None:
    line = text(value)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e]", line)
    assert not re.search(r"[`*_{}\[\]<>#|~&!$@]|://|www\.", ESCAPED.sub("", line))
    assert not re.match(r"[-+=:]|\d{1,9}[.)]", line)
    shown = ESCAPED.sub(r"\1", line)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", shown)
    if value.isprintable() and value == " ".join(value.split()) and not re.search(r"[\u200e-\u2069]", value):
        assert shown == value


@pytest.mark.parametrize(
    ("hostile", "line"),
    [
        ("<script>alert(1)</script>", r"\<script\>alert(1)\</script\>"),
        ("[click](http://evil)", r"\[click\](http:\/\/evil)"),
        ("![x](y)", r"\!\[x\](y)"),
        ("a | b\n| c", r"a \| b \| c"),
        ("# heading", r"\# heading"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("```\ncode", r"\`\`\` code"),
        ("{{ lookup('pipe', 'id') }}", r"\{\{ lookup('pipe', 'id') \}\}"),
        ("\x1b]0;title\x07 \u202egnp", r"\]0;title gnp"),
        ("root@host www.evil.example", r"root\@host www\.evil.example"),
        ("a\\", r"a\\"),
    ],
)
def test_hostile_text(hostile: str, line: str) -> None:
    assert text(hostile) == line


@pytest.mark.parametrize(
    ("value", "shown"), [("web-1", "`web-1`"), ("/etc/x.conf", "`/etc/x.conf`"), ("a`b", r"a\`b"), ("", "")]
)
def test_names(value: str, shown: str) -> None:
    assert name(value) == shown


def test_a_table_without_rows_is_none() -> None:
    assert table(("a",), []) == []
    assert table(("a", "b"), [("1", "2")]) == ["", "| a | b |", "|---|---|", "| 1 | 2 |"]
