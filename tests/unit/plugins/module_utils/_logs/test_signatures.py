# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of one kind count together, however many kinds there are."""

from __future__ import annotations

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._logs.signatures import Signatures, fold


@pytest.mark.parametrize(
    ("line", "signature"),
    [
        (
            "2026-11-23 14:45:54,123 - shop.crm - ERROR - Request 17 failed",
            "shop.crm - ERROR - Request <n> failed",
        ),
        ("Nov 23 14:45:54 host app[17]: ERROR", "host app[<n>]: ERROR"),
        ("2026-11-23T14:45:54Z ERROR x", "ERROR x"),
        ("ERROR 10.0.0.7:8080 and fe80::1:2:3 refused", "ERROR <address> and <address> refused"),
        ("ERROR job 123e4567-e89b-12d3-a456-426614174000 at 0xdeadbeef", "ERROR job <id> at <id>"),
        ("ERROR user 'ann' said \"it's 5\"", "ERROR user <text> said <text>"),
        ("ERROR it isn't so", "ERROR it isn't so"),
        ("ERROR after 3.25 s in v2 of deploy-17b", "ERROR after <n>.<n> s in <n> of <n>"),
        ("ERROR " + "ab" * 40, "ERROR <id>"),
        ("", ""),
        (
            '{"time": "2026-11-23T14:45:54Z", "level": "ERROR", "logger": "shop.crm", "message": "Request 17 failed"}',
            "shop.crm - ERROR - Request <n> failed",
        ),
        ("{'levelname': 'error', 'msg': 'It isn\\'t 17', 'levelno': 40}", "error - It isn\\'t <n>"),
        ('{"level": "error", "status": 500, "msg": 17}', "{<text>: <text>, <text>: <n>, <text>: <n>}"),
        ('{"level": "error", "message": "cut off at ' + "x y " * 1000, "error - cut off at " + "x y " * 247 + "x"),
    ],
)
def test_what_differs_is_folded(line: str, signature: str) -> None:
    assert fold(line.encode()) == signature


def test_the_most_frequent_ones_come_first() -> None:
    found = Signatures()
    for number in range(30):
        found.add([b"ERROR job %d failed" % number])
        found.add([b"ERROR disk full"] * (number % 2))
    assert found.top(2) == [
        {"count": 30, "text": "ERROR job <n> failed"},
        {"count": 15, "text": "ERROR disk full"},
    ]
    assert found.capped is False


def test_memory_is_bounded_and_frequent_ones_survive() -> None:
    found = Signatures(kept=50)
    letters = "abcdefghij"
    for number in range(3000):
        rare = "ERROR " + "".join(letters[int(digit)] for digit in str(number))
        found.add([rare.encode(), b"ERROR always the same"])
    assert found.top(1) == [{"count": 3000, "text": "ERROR always the same"}]
    assert found.capped is True
    assert len(found.top(1000)) <= 101


def test_secrets_are_masked_also_when_they_were_folded() -> None:
    found = Signatures()
    for line in (
        b"ERROR password=hunter-two",
        b"ERROR key sk-abcdef0123456789abcdef",
        b"ERROR postgres://shop:geheim@db/x",
        b"ERROR Bearer geheimgeheimgeheim",
        b'{"level": "ERROR", "message": "password=hunter-three", "api_key": "geheim"}',
    ):
        found.add([line])
    shown = str(found.top(10))
    assert not [secret for secret in ("hunter", "abcdef", "geheim") if secret in shown]
