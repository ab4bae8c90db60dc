# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture leaves a trace of every step, and either a whole bag in its place or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.plugin_utils._custody import home, transport
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import Book
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.capture import (
    CaptureFailed,
    Request,
    capture,
    clock_offset,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.tarstream import BadPackage
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.transport import CutOff

BAG = "INC-2026-1125-0001-web-1-001"
DAY = date(2026, 11, 25)
Requests = Callable[..., Request]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_PAUSE", 0.0)


def events(book: Book, bag: str | None = None) -> list[str]:
    return [record["event"] for record in book.records() if bag is None or record["bag"] == bag]


def test_a_capture_comes_home(book: Book, host: Any, request_of: Requests) -> None:
    before: list[list[str]] = []
    host.change = lambda _result: before.append(events(book))
    result = capture(request_of(), {"requested": {"who": "alice"}}, book, host)
    assert before == [["opened", "requested"]], "on record before the host is touched"
    assert events(book) == ["opened", "requested", "captured", "transferred", "verified", "cleaned"]
    assert result["path"] == os.path.join(book.directory, BAG)
    assert sorted(os.listdir(book.directory)) == [
        *(".custody.lock", ".incoming", BAG, "allowed_signers", "custody.jsonl", "verify.sh"),
    ]
    assert os.listdir(os.path.join(book.directory, ".incoming")) == []
    assert host.removed == [str(host.directory / BAG)]
    assert os.listdir(host.directory) == []
    assert host.calls[0]["requested"] == {"who": "alice", "controller_clock": 1001.0}
    captured, verified = (next(r for r in book.records() if r["event"] == e) for e in ("captured", "verified"))
    assert captured["detail"]["offset"] == {"least": 2.0, "most": 2.0}
    assert captured["detail"]["outcomes"] == {"collected": 2, "empty": 1}
    assert verified["detail"]["files"] == 3
    assert verified["detail"]["tagmanifest_sha256"] == captured["detail"]["tagmanifest_sha256"]
    assert {record["why"] for record in book.records()} == {"orders changed by nobody"}


def test_the_next_capture_has_the_next_number(book: Book, host: Any, request_of: Requests) -> None:
    for _again in range(2):
        capture(request_of(), {}, book, host)
    capture(request_of("web"), {}, book, host)
    bags = sorted(name for name in os.listdir(book.directory) if name.startswith("INC"))
    assert bags == ["INC-2026-1125-0001-web-001", BAG, f"{BAG[:-3]}002"]


def test_a_host_that_fails_is_on_record_with_its_reason(book: Book, host: Any, request_of: Requests) -> None:
    host.change = lambda result: result.update(failed=True, msg="age failed: password=hunter2 is wrong")
    with pytest.raises(CaptureFailed) as caught:
        capture(request_of(), {}, book, host)
    assert caught.value.result["failed"]
    last = book.records()[-1]
    assert (last["event"], last["host"], last["bag"]) == ("failed", "web-1", BAG)
    assert "age failed" in last["detail"]["reason"]
    assert "hunter2" not in json.dumps(last)
    assert host.removed == []


def test_a_host_that_is_gone_in_the_middle_is_on_record(book: Book, host: Any, request_of: Requests) -> None:
    def vanish(_result: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    host.change = vanish
    with pytest.raises(KeyboardInterrupt):
        capture(request_of(), {}, book, host)
    assert book.records()[-1]["detail"] == {"reason": "KeyboardInterrupt"}


def test_what_stays_on_the_host_as_asked_is_on_record(book: Book, host: Any, request_of: Requests) -> None:
    result = capture(request_of(transfer=False), {}, book, host)
    assert events(book, BAG) == ["requested", "captured"]
    assert "path" not in result
    assert host.removed == host.fetched == []


def test_a_transfer_that_was_cut_goes_on_where_it_was(book: Book, host: Any, request_of: Requests) -> None:
    host.part = 8192
    answers: list[dict[str, Any]] = []
    host.change = answers.append
    host.broken = lambda path: "the line is dead" if path.endswith(("3", "4")) else None
    with pytest.raises(CutOff, match="3 tries: the line is dead"):
        capture(request_of(), {}, book, host)
    count = len(answers[0]["package"]["parts"])
    assert count >= 4
    assert host.fetched == ["0001", "0002", "0003", "0003", "0003"]
    assert events(book, BAG) == ["requested", "captured", "failed"]
    assert host.removed == []
    host.broken, host.fetched = lambda _path: None, []
    host.change = lambda result: result.update(leftovers=[{**answers[0], "complete": True}])
    result = capture(request_of(), {}, book, host)
    assert result["recovered"] == [BAG]
    of_the_first = host.fetched[count:]
    assert of_the_first == [f"{number:04d}" for number in range(3, count + 1)]
    assert events(book, BAG)[3:] == ["recovered", "transferred", "verified", "cleaned"]
    assert next(r for r in book.records() if r["event"] == "transferred" and r["bag"] == BAG)["detail"]["kept"] == 2
    assert os.listdir(host.directory) == []


def test_a_part_that_arrives_damaged_is_fetched_again(book: Book, host: Any, request_of: Requests) -> None:
    tried: list[str] = []
    fetch = host.fetch

    def damage(path: str, to: str) -> None:
        fetch(path, to)
        tried.append(path)
        if len(tried) < 3:
            Path(to).write_bytes(Path(to).read_bytes()[:-1] + b"x")

    host.fetch = damage
    assert capture(request_of(), {}, book, host)["repeated"] == 2


def test_a_part_that_was_altered_here_meanwhile_is_not_kept(book: Book, host: Any, request_of: Requests) -> None:
    host.part = 8192
    answers: list[dict[str, Any]] = []
    host.change = answers.append
    host.broken = lambda path: "cut" if path.endswith("3") else None
    with pytest.raises(CutOff):
        capture(request_of(), {}, book, host)
    Path(book.directory, ".incoming", BAG, "parts", "0001").write_bytes(b"x" * 8192)
    host.broken, host.fetched = lambda _path: None, []
    host.change = lambda result: result.update(leftovers=[{**answers[0], "complete": True}])
    assert capture(request_of(), {}, book, host)["recovered"] == [BAG]
    assert host.fetched.count("0001") == 2


def left_over(book: Book, host: Any, request_of: Requests, **change: Any) -> tuple[dict[str, Any], list[str]]:
    """Capture without transfer, then once more: the first one is a leftover, as the host tells it."""
    answers: list[dict[str, Any]] = []
    host.change = answers.append
    capture(request_of(transfer=False), {}, book, host)
    host.change = lambda result: result.update(leftovers=[{**answers[0], "complete": True, **change}])
    result = capture(request_of(), {}, book, host)
    return result, events(book, BAG)


def test_what_was_left_on_the_host_is_fetched(book: Book, host: Any, request_of: Requests) -> None:
    result, trace = left_over(book, host, request_of)
    assert result["recovered"] == [BAG]
    assert trace == ["requested", "captured", "recovered", "transferred", "verified", "cleaned"]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"tagmanifest_sha256": "0" * 64}, "somebody has changed it"),
        ({"bag": "INC-2026-1125-0001-web-2-001"}, "where the package"),
        ({"bag": "../../etc"}, "not the name of a bag"),
        ({"package": None}, "does not say where"),
    ],
)
def test_what_is_odd_about_a_leftover_is_told_and_it_is_left_alone(
    book: Book, host: Any, request_of: Requests, change: dict[str, Any], note: str
) -> None:
    result, trace = left_over(book, host, request_of, **change)
    assert result["recovered"] == []
    assert note in result["notes"][0]
    assert trace == ["requested", "captured"]
    assert (host.directory / BAG).exists()
    assert "path" in result, "the capture itself has come home"


def test_a_package_of_another_incident_goes_where_it_belongs(book: Book, host: Any, request_of: Requests) -> None:
    first: list[dict[str, Any]] = []
    host.change = first.append
    capture(request_of(transfer=False), {}, book, host)
    later = replace(book, directory=home.open_incident(os.path.dirname(book.directory), "", book, [], DAY).directory)
    stranger = {**host.pack("INC-2026-1125-0007-web-1-001"), "complete": True}
    host.change = lambda result: result.update(leftovers=[{**first[0], "complete": True}, stranger])
    result = capture(request_of(), {}, later, host)
    assert result["recovered"] == [BAG]
    assert events(book, BAG)[2:] == ["recovered", "transferred", "verified", "cleaned"]
    assert events(later, BAG) == []
    assert "its incident is not kept here" in result["notes"][0]
    assert [each["bag"] for each in result["leftovers"]] == [stranger["bag"]]


def test_a_package_that_nobody_has_requested_is_left_alone(book: Book, host: Any, request_of: Requests) -> None:
    stranger = {**host.pack(f"{BAG[:-3]}009"), "complete": True}
    host.change = lambda result: result.update(leftovers=[stranger])
    assert "nobody has requested it" in capture(request_of(), {}, book, host)["notes"][0]
    assert (host.directory / stranger["bag"]).exists()


def test_a_recovery_that_fails_is_on_record_and_spoils_nothing(book: Book, host: Any, request_of: Requests) -> None:
    host.broken = lambda path: "cut" if f"{BAG}/" in path else None
    result, trace = left_over(book, host, request_of)
    assert (result["recovered"], trace) == ([], ["requested", "captured", "failed"])
    assert "cut" in result["notes"][0]
    assert result["path"].endswith("002")


def test_one_that_came_home_before_its_run_was_killed_is_only_cleaned(
    book: Book, host: Any, request_of: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[dict[str, Any]] = []
    host.change = answers.append

    def killed(_path: str) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(host, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            capture(request_of(), {}, book, host)
    assert Path(book.directory, BAG).is_dir()
    host.change = lambda result: result.update(leftovers=[{**answers[0], "complete": True}])
    host.fetched = []
    assert capture(request_of(), {}, book, host)["recovered"] == [BAG]
    assert host.fetched == ["0001"], "of the new one only"
    assert os.listdir(host.directory) == []


def test_a_host_that_cannot_be_cleaned_is_a_note(book: Book, host: Any, request_of: Requests) -> None:
    host.complaint = "Read-only file system"
    result = capture(request_of(), {}, book, host)
    assert "Read-only file system" in result["notes"][0]
    assert events(book, BAG)[-1] == "not_cleaned"


@pytest.mark.parametrize(
    "lie",
    [
        {"bag": "INC-2026-1125-0001-web-1-007"},
        {"directory": "/etc"},
        {"tagmanifest_sha256": "f" * 64},
        {"tagmanifest_sha256": None},
        {"package": {"parts": [], "size": 0, "sha256": "0" * 64, "method": "none"}},
        {"package": {"parts": [{"path": "/etc/shadow", "size": 1, "sha256": "0" * 64}], "size": 1, "sha256": "0" * 64}},
    ],
)
def test_a_host_that_lies_gets_nothing_in_its_place(
    book: Book, host: Any, request_of: Requests, lie: dict[str, Any]
) -> None:
    host.change = lambda result: result.update(lie)
    with pytest.raises(IncidentError):
        capture(request_of(), {}, book, host)
    assert events(book)[-1] == "failed"
    assert not Path(book.directory, BAG).exists()
    assert host.removed == []


def test_a_whole_that_is_not_its_parts_is_refused(book: Book, host: Any, request_of: Requests) -> None:
    host.change = lambda result: result["package"].update(sha256="0" * 64)
    with pytest.raises(BadPackage, match="not the package"):
        capture(request_of(), {}, book, host)
    assert os.listdir(os.path.join(book.directory, ".incoming")) == []


def test_nothing_is_ever_overwritten(book: Book, host: Any, request_of: Requests) -> None:
    def occupy(_result: dict[str, Any]) -> None:
        Path(book.directory, BAG).mkdir()

    host.change = occupy
    with pytest.raises(IncidentError, match="Nothing is overwritten"):
        capture(request_of(), {}, book, host)
    assert os.listdir(os.path.join(book.directory, BAG)) == []
    assert host.removed == []


def test_a_failure_that_cannot_be_recorded_says_so(book: Book, host: Any, request_of: Requests) -> None:
    def lose(_result: dict[str, Any]) -> None:
        os.unlink(os.path.join(book.directory, "custody.jsonl"))
        raise IncidentError("the host is gone.", "Look.")

    host.change = lose
    with pytest.raises(IncidentError, match="not in the custody log, which could not be written"):
        capture(request_of(), {}, book, host)


@pytest.mark.parametrize(
    ("clock", "offset"),
    [
        ((95.0, 105.0, 1.0, 11.0), {"least": -5.0, "most": -5.0}),
        ((103.0, 106.0, 1.0, 4.0), {"least": -4.0, "most": 3.0}),
        ((None, 1.0, 1.0, 1.0), {}),
        ((float("nan"), 1.0, 1.0, 1.0), {}),
    ],
)
def test_the_offset_of_a_clock_has_bounds(clock: tuple[float, ...], offset: dict[str, Any]) -> None:
    names = ("began", "ended", "began_monotonic", "ended_monotonic")
    assert clock_offset(100.0, 110.0, dict(zip(names, clock, strict=True))) == offset


def test_a_clock_that_was_set_is_noted() -> None:
    clock = {"began": 100.0, "ended": 700.0, "began_monotonic": 1.0, "ended_monotonic": 5.0}
    assert "+596.0s" in clock_offset(100.0, 110.0, clock)["note"]
