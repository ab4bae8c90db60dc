# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is masked, and what stays readable."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from ansible_collections.toombos.incident.plugins.module_utils._redact import MASK, redact, redact_value

SECRET = "hunter2-geheim"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"password={SECRET} x", "password=*** x"),
        (f"DB_PASSWD: {SECRET}, n: 1", "DB_PASSWD: ***, n: 1"),
        (f"{{'API_KEY_ENCRYPTION_KEY': '{SECRET} two words', 'n': 1}}", "{'API_KEY_ENCRYPTION_KEY': '***', 'n': 1}"),
        (f'{{"api_key": "{SECRET}", "a": "b"}}', '{"api_key": "***", "a": "b"}'),
        (rf"{{\"token\": \"{SECRET}\", \"b\": 1}}", r"{\"token\": \"***\", \"b\": 1}"),
        (f"secret => {SECRET};", "secret => ***;"),
        (f"token: '{SECRET}", "token: '***"),
        (f"postgres://app:{SECRET}@db/x", "postgres://app:***@db/x"),
        (f"redis://:{SECRET}@cache", "redis://:***@cache"),
        (f"https://app:a@{SECRET}@host/", "https://app:***@host/"),
        (f"Authorization: Bearer {SECRET}", "Authorization: ***"),
        (f"authorization: Basic {SECRET} next", "authorization: *** next"),
        (f"sent bearer {SECRET}", "sent bearer ***"),
        (f"Set-Cookie: sid={SECRET}; Path=/", "Set-Cookie: ***"),
        (
            f"[type=int_parsing, input_value='{SECRET}, x]', input_type=str]",
            "[type=int_parsing, input_value=***, input_type=str]",
        ),
        (f"input_value={SECRET}", "input_value=***"),
        (f"curl --db-password {SECRET} -v", "curl --db-password *** -v"),
        (f"tool --api-key={SECRET} -v", "tool --api-key=*** -v"),
        (f"a -----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY----- b", "a *** b"),
        (f"-----BEGIN PRIVATE KEY-----\n{SECRET}", "***"),
        ("key sk-abcdefghijklmnop end", "key *** end"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "***"),
        ("sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "sha ***"),
    ],
)
def test_masked(text: str, masked: str) -> None:
    assert redact(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing listens: connecting to 127.0.0.1 port 8000",
        "http://127.0.0.1:8000/live",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "/srv/a/very/long/path/without/any/secret/in/it/at/all.log",
        "a-very-long-hyphenated-service-name-without-digits",
        "DB_PASSWORD=",
        "status is 503, not 200",
        "compass=north, passenger: 3",
    ],
)
def test_stays_readable(text: str) -> None:
    assert redact(text) == text


def test_values() -> None:
    value = {
        "a": [{"Password": SECRET, "n": 1, "ok": True}],
        "tokens": (SECRET, 7),
        "has_token": True,
        "x": None,
        "Cookie": "c",
    }
    assert redact_value(value) == {
        "a": [{"Password": MASK, "n": 1, "ok": True}],
        "tokens": [MASK, MASK],
        "has_token": True,
        "x": None,
        "Cookie": MASK,
    }
    assert redact_value(f"password={SECRET}") == "password=***"
    assert redact_value(1.5) == 1.5


@given(st.text(alphabet="QXZ789", min_size=1, max_size=60))
def test_a_secret_never_survives_its_name(secret: str) -> None:
    for text in (f"password={secret}", f'"client_secret": "{secret}"', f"--token {secret}", f"x://u:{secret}@h"):
        assert secret not in redact(text)


@given(st.text())
def test_never_fails_and_settles(text: str) -> None:
    once: Any = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize("text", ["a" * 300_000, "password" * 40_000, "=" * 300_000, "://" * 100_000, '"' * 300_000])
def test_long_lines_do_not_hang(text: str) -> None:
    assert isinstance(redact(text), str)
