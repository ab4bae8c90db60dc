# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind log: errors at the end of a log, without the harmless ones."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds.logs import count_errors
from ansible_collections.toombos.incident.plugins.module_utils._written import written_at

ERROR = r"ERROR|CRITICAL|Exception|\w+Error:"
MIXED = """\
2026-11-23 14:45:54 - app - INFO - started
2026-11-23 14:45:55 - app - ERROR - Failed to initialize production services
INFO:     10.0.0.1:37182 - "GET /health HTTP/1.1" 200 OK
2026-11-23 14:46:00 - app - ERROR - publish failed
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    raise KeyError("x")
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in <module>
ValueError: y
Email publish error: nobody listens
Traceback (most recent call last):
  File "c.py", line 3, in <module>
MemoryError
2026-11-23 14:47:00 - app - CRITICAL - last words
"""


def count(text: str, *baseline: str, match: str = ERROR, oldest: float | None = None) -> Any:
    return count_errors(text.splitlines(), match, baseline, oldest)


def test_a_traceback_and_its_line_are_one_error() -> None:
    found = count(MIXED)
    assert (found.count, found.last) == (4, "2026-11-23 14:47:00 - app - CRITICAL - last words")
    assert found.first.endswith("Failed to initialize production services")


def test_what_is_known_to_be_harmless_does_not_count() -> None:
    assert count(MIXED, "Failed to initialize production services").count == 3
    assert count(MIXED, "Failed to initialize", "KeyError: 'x'").count == 2, "nor what belongs to it"


def test_a_traceback_without_a_line_of_its_own_counts_and_is_told_by_its_end() -> None:
    found = count("Traceback (most recent call last):\n  File\nRuntimeError: no\n")
    assert (found.count, found.last) == (1, "RuntimeError: no")


def test_tracebacks_that_do_not_belong_together_are_several_errors() -> None:
    crash = "Traceback (most recent call last):\n  File\nRuntimeError: no\n"
    assert count(crash * 3).count == 3, "a process without a logger that crashes at every start"
    assert count("2026-11-23 14:45:54 ERROR boom\n" + crash * 2).count == 2
    chained = f"{crash}\nThe above exception was the direct cause of the following exception:\n\n{crash}"
    assert count(chained * 2).count == 2


def test_only_what_is_young_enough_counts() -> None:
    young = time.mktime((2026, 11, 23, 14, 46, 30, 0, 0, -1))
    assert count(MIXED, oldest=young).count == 1
    assert count("ERROR without a time\n", oldest=young).count == 1
    assert count("ERROR without a time\n", oldest=young).timed is False


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("2026-11-23T14:45:54Z x", 1795445154.0),
        ("2026-11-23T14:45:54.123+01:00 x", 1795441554.0),
        ("[2026-11-23 14:45:54 -0530] x", 1795464954.0),
        ('{"timestamp": "2026-11-23T14:45:54Z", "level": "error"}', 1795445154.0),
        ('time="2026-11-23T14:45:54Z" level=error', 1795445154.0),
        ("ERROR:    2026-11-23 14:45:54 +00:00 x", 1795445154.0),
        ("2026-99-23 14:45:54 x", None),
        ("no time 2026-11-23 14:45:54", None),
    ],
)
def test_times_of_lines(line: str, seconds: float | None) -> None:
    assert written_at(line) == seconds


@pytest.mark.parametrize(("errors", "status"), [(0, "pass"), (1, "pass"), (2, "warn"), (5, "fail")])
def test_levels(ask: Any, tmp_path: Path, errors: int, status: str) -> None:
    log = tmp_path / "app.log"
    log.write_text("fine\n" + "".join(f"ERROR number {number}\n" for number in range(errors)))
    outcome = ask(kind="log", path=str(log), warn=2, fail=5)
    assert (outcome.status, outcome.observed["errors"]) == (status, errors)


def test_only_the_end_is_read_whatever_is_in_the_log(ask: Any, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"ERROR old\n" * 100_000 + b"\xff\xfe\x00 binary \n" * 400 + b"ERROR new \xff\n")
    outcome = ask(kind="log", path=str(log), warn=1, window="4K")
    assert (outcome.observed["errors"], outcome.reason) == (1, "errors")
    assert "ERROR new" in outcome.message


def test_no_log_no_file_and_an_empty_one(ask: Any, tmp_path: Path) -> None:
    assert ask(kind="log", path=str(tmp_path / "none.log"), warn=1).reason == "missing"
    os.mkfifo(tmp_path / "pipe")
    assert ask(kind="log", path=str(tmp_path / "pipe"), warn=1).reason == "missing"
    (tmp_path / "empty.log").write_text("")
    assert ask(kind="log", path=str(tmp_path / "empty.log"), warn=1).status == "pass"


def test_after_a_rotation_the_newest_of_a_family_counts(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "app-1.log").write_text("ERROR\n" * 9)
    os.utime(tmp_path / "app-1.log", (1.0, 1.0))
    (tmp_path / "app-2.log").write_text("fine\n")
    assert ask(kind="log", path=f"{tmp_path}/app-*.log", warn=1).status == "pass"


def test_what_a_rotation_has_just_moved_away_still_counts(ask: Any, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("fine\n" * 10 + "ERROR one\nERROR two\n")
    os.rename(log, tmp_path / "app.log.1")
    log.write_text("ERROR three\n")
    outcome = ask(kind="log", path=str(log), warn=1)
    assert (outcome.observed["errors"], outcome.observed["first"]) == (3, "ERROR one")
    assert ask(kind="log", path=str(log), warn=1, window=22).observed["errors"] == 1, "no more than the window"
    log.unlink()
    assert ask(kind="log", path=str(log), warn=1).reason == "missing"


def test_a_secret_is_hidden_before_the_line_is_cut(ask: Any, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    line = "ERROR cannot connect to postgres://app:hunter2hunter2@db/"
    log.write_text(line.replace("cannot", "cannot " + "x" * (200 - line.index("hunter2") - len("x hunter"))) + "\n")
    outcome = ask(kind="log", path=str(log), warn=1)
    assert "postgres://app:" in outcome.message
    assert "hunter" not in f"{outcome.message} {outcome.observed}"


def test_a_log_that_may_not_be_read(ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied")  # what root never sees

    monkeypatch.setattr(os, "open", refuse)
    assert ask(kind="log", path=str(tmp_path / "app.log"), warn=1).reason == "denied"
