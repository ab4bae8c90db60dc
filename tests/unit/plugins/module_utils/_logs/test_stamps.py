# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of lines in the formats that logs have."""

from __future__ import annotations

import calendar
import time
from typing import Iterator

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._logs.stamps import as_text, moment, since

AT = float(calendar.timegm((2026, 11, 23, 14, 45, 54, 0, 0, 0)))


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One without summer time, three hours ahead."""
    monkeypatch.setenv("TZ", "EAT-3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-23 17:45:54 - module.name - ERROR - message",
        "2026-11-23T14:45:54.123Z ERROR",
        "[2026-11-23 15:45:54,001 +0100] x",
        "2026-11-23 17:45:54 -4711 is no zone",
        "2026-11-23 17:45:54 +17455 neither",
        "ERROR 2026-11-23 17:45:54 x",
        '{"timestamp": "2026-11-23T14:45:54Z", "level": "error"}',
        '{"level": "error", "msg": "x", "@timestamp": "2026-11-23T15:45:54+01:00"}',
        '{"ts": 1795445154, "msg": "x"}',
        '{"msg": "x", "time": 1795445154000}',
        "Nov 23 17:45:54 host app[17]: message",
        "<13>Nov 23 17:45:54 host app: message",
        '10.0.0.7 - - [23/Nov/2026:14:45:54 +0000] "GET / HTTP/1.1" 200 17',
        '10.0.0.7 - ann [23/Nov/2026:13:15:54 -0130] "GET / HTTP/1.1" 200 17',
    ],
)
def test_lines_that_say_it(line: str) -> None:
    assert moment(line, AT + 3600) == AT


def test_syslog_of_last_year() -> None:
    new_year = float(calendar.timegm((2027, 1, 2, 0, 0, 0, 0, 0, 0)))
    assert moment("Nov 23 17:45:54 host x: y", new_year) == AT


@pytest.mark.parametrize(
    "line",
    [
        "",
        'INFO:     10.0.0.1:37182 - "GET /health HTTP/1.1" 200 OK',
        "INFO:mock-crm:message",
        "Email publish error: no route",
        "2026-13-45 99:99:99 x",
        "Nov 99 17:45:54 host x",
        "x [99/Nov/2026:99:45:54 +0000]",
        '{"time": "tomorrow at noon"}',
        "{" * 1000,
    ],
)
def test_lines_that_do_not(line: str) -> None:
    assert moment(line, AT) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("15m", AT - 900),
        ("2026-11-23 17:45:54", AT),
        ("2026-11-23T14:45:54Z", AT),
        ("2026-11-23 17:45", AT - 54),
        (" 2026-11-24 ", AT - 54 + 15 * 60 + 6 * 3600 - 0),
    ],
)
def test_since(value: str, expected: float) -> None:
    assert since(value, AT) == expected


@pytest.mark.parametrize("value", ["yesterday", "", "2026-99-99"])
def test_since_that_means_nothing(value: str) -> None:
    with pytest.raises(IncidentError, match=r"neither a duration nor a moment.*Write for example"):
        since(value, AT)


def test_text() -> None:
    assert (as_text(AT), as_text(None)) == ("2026-11-23T14:45:54Z", None)
