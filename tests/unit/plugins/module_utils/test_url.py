# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs and headers that may be sent."""

from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._url import Url, check_header, split_url


@pytest.mark.parametrize(
    ("text", "parts", "authority"),
    [
        ("http://a", Url("http", "a", 80, "/"), "a"),
        ("https://a.example/x?y=1#z", Url("https", "a.example", 443, "/x?y=1"), "a.example"),
        ("http://a:8000?q", Url("http", "a", 8000, "/?q"), "a:8000"),
        ("http://[::1]:81/", Url("http", "::1", 81, "/"), "[::1]:81"),
        ("https://[fe80::1%eth0]", Url("https", "fe80::1%eth0", 443, "/"), "[fe80::1%eth0]"),
    ],
)
def test_parts(text: str, parts: Url, authority: str) -> None:
    assert split_url(text) == parts
    assert parts.authority == authority


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not an http"),
        ("ftp://a/", "not an http"),
        ("http://", "not an http"),
        ("http://a b/", "not an http"),
        ("http://a/ b", "not an http"),
        ("http://a/\r\nX: y", "not an http"),
        ("http://a/ü", "not an http"),
        ("http://::1/", "not an http"),
        ("http://a:x/", "not an http"),
        ("http://a:0/", "port 0"),
        ("http://a:65536/", "port 65536"),
    ],
)
def test_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        split_url(text)


def test_credentials_are_refused_without_being_quoted() -> None:
    with pytest.raises(ValueError, match="put them into headers") as caught:
        split_url("http://user:hunter2@a/")
    assert "hunter2" not in str(caught.value)


def test_headers() -> None:
    check_header("X-Token", "a\tb ü")
    with pytest.raises(ValueError, match="not a header name"):
        check_header("", "x")
    with pytest.raises(ValueError, match="control characters") as caught:
        check_header("X-Token", "hunter2\n")
    assert "hunter2" not in str(caught.value)
