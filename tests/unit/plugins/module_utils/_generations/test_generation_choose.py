# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way to name a generation means one of them, or the error says what there is."""

from __future__ import annotations

import time
from typing import Iterator

import pytest
from generations_kit import generation

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._generations.choose import choose
from ansible_collections.toombos.incident.plugins.module_utils._generations.moments import NoDate, end_of, start_of_day


@pytest.fixture(autouse=True)
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> float:
    """UTC."""
    import calendar

    return float(calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S")))


THERE = (
    generation(5, at("2026-11-24 03:00:00"), good=True),
    generation(6, at("2026-11-25 03:00:00"), good=True, labels=("before-upgrade", "20261125")),
    generation(7, at("2026-11-26 03:00:00.".rstrip(".")), labels=("release-7",)),
    generation(8, at("2026-11-26 23:30:00")),
    generation(9, at("2026-11-20 03:00:00")),  # imported later, made earlier
)


@pytest.mark.parametrize(
    ("to", "number"),
    [
        ("last_known_good", 6),
        (" last_known_good ", 6),
        ("before-upgrade", 6),
        ("release-7", 7),
        ("main-000007", 7),
        ("main-7", 7),
        ("000007", 7),
        ("7", 7),
        ("9", 9),
        ("2026-11-27", 8),  # 23:30 UTC is half past midnight in Berlin
        ("2026-11-26", 7),
        ("2026-11-24", 5),
        ("2026-11-23", 9),
        ("2030-01-01", 8),
        ("2026-11-26T04:00", 7),
        ("2026-11-26T03:59", 6),
        ("2026-11-26T04", 7),
        ("2026-11-26 03:00Z", 7),
        ("2026-11-26T03:00:00Z", 7),
        ("2026-11-26T02:59:59Z", 6),
        ("2026-11-26T04:00:00+01:00", 7),
        ("2026-11-26T05:00:00+0300", 6),
        ("2026-11-25T22:00:00-05:00", 7),
        ("2026-11-26T03:00:00.000Z", 7),
        ("2026-11-26t03:00:00z", 7),
    ],
)
def test_what_is_meant(to: str, number: int) -> None:
    assert choose(THERE, to).number == number
    assert choose(THERE[::-1], to).number == number


def test_the_newest_that_validates() -> None:
    asked: list[int] = []

    def validates(each: object) -> str:
        asked.append(each.number)  # type: ignore[attr-defined]
        return "" if each.number == 6 else "METRICS_PORT is no number"  # type: ignore[attr-defined]

    assert choose(THERE, "newest_valid", validates).number == 6
    assert asked == [8, 7, 6]
    assert choose(THERE, "newest_valid", lambda _each: None).number == 8
    with pytest.raises(IncidentError) as refused:
        choose(THERE, "newest_valid", lambda each: f"no {each.number}")
    assert refused.value.message == (
        "No generation is valid: main-000008: no 8; main-000007: no 7; main-000006: no 6; main-000005: no 5; "
        "main-000009: no 9."
    )
    assert len(refused.value.result["objections"]) == 5
    with pytest.raises(IncidentError, match="Nothing is declared that could tell"):
        choose(THERE, "newest_valid")


LIST = (
    "There are: main-000008 (2026-11-26T23:30:00Z), main-000007 (2026-11-26T03:00:00Z, called release-7), "
    "main-000006 (2026-11-25T03:00:00Z, proven, called before-upgrade and 20261125), "
    "main-000005 (2026-11-24T03:00:00Z, proven), main-000009 (2026-11-20T03:00:00Z)."
)


@pytest.mark.parametrize(
    ("to", "what", "way_out"),
    [
        ("typo", "'typo' is no label, no id, no date, last_known_good or newest_valid. ", "Choose one of them."),
        ("", "'' is no label, no id, no date, last_known_good or newest_valid. ", "Choose one of them."),
        (
            "other-000007",
            "'other-000007' is no label, no id, no date, last_known_good or newest_valid. ",
            "Choose one of them.",
        ),
        ("77", "There is no main-000077. ", "Choose one of them."),
        ("main-000077", "There is no main-000077. ", "Choose one of them."),
        ("20261125", "There is no main-20261125. ", "For the day, write 2026-11-25."),
        ("2026-11-19", "No generation is as old as 2026-11-19. ", "Choose one of them."),
        ("2026-02-30", "There is no such day or time as '2026-02-30'. ", "Choose one of them."),
        ("2026-11-26T25:00", "There is no such day or time as '2026-11-26T25:00'. ", "Choose one of them."),
    ],
)
def test_errors_say_what_there_is(to: str, what: str, way_out: str) -> None:
    with pytest.raises(IncidentError) as refused:
        choose(THERE, to)
    assert refused.value.message == what + LIST
    assert refused.value.way_out == way_out


def test_errors_are_short() -> None:
    with pytest.raises(IncidentError) as refused:
        choose([generation(number) for number in range(1, 31)], "last_known_good")
    assert refused.value.message.startswith("No generation is proven to be good. There are: main-000030 (")
    assert refused.value.message.endswith(" and 20 older ones.")
    assert refused.value.way_out == "Choose one of them, or newest_valid."
    with pytest.raises(IncidentError, match="There is no generation of this set yet"):
        choose((), "7")


def test_days_are_as_long_as_they_are() -> None:
    """The clocks go back on 2026-10-25, and forward on 2026-03-29."""
    for day, hours in (("20261025", 25), ("20260329", 23), ("20261126", 24)):
        end = end_of(f"{day[:4]}-{day[4:6]}-{day[6:]}")
        start = start_of_day(day)
        assert end is not None
        assert start is not None
        assert end - start == hours * 3600


@pytest.mark.parametrize("digits", ["20260230", "20261301", "00000000", "2026112", "202611266", "abcdefgh", "19691231"])
def test_days_that_do_not_exist(digits: str) -> None:
    assert start_of_day(digits) is None


@pytest.mark.parametrize(
    "word", ["2026-00-10", "2026-13-01", "2026-11-31", "2026-11-26T24:00", "2026-11-26T10:60", "1969-01-01"]
)
def test_moments_that_do_not_exist(word: str) -> None:
    with pytest.raises(NoDate):
        end_of(word)


@pytest.mark.parametrize("word", ["x2026-11-26", "2026-11-26x", "2026-11-26T", "2026-11-26Z", "26-11-2026", "now", ""])
def test_words_that_are_no_dates(word: str) -> None:
    assert end_of(word) is None
