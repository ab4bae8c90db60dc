# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of what is done for a log: a pure function of what was found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.toombos.incident.plugins.module_utils._log_restore.call import make_plan
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.plan import (
    plan_access,
    plan_held,
    plan_log,
)
from ansible_collections.toombos.incident.plugins.module_utils._log_restore.types import (
    Access,
    Condition,
    Copy,
    Found,
    FoundHeld,
    Held,
    Identity,
    Relation,
)

STAMP = "20261128T030000Z"
COPY = Copy(
    "/b/logs-20261127/app.log",
    "20261127",
    Identity((1, 2), 500, 7),
    Condition("whole", "", 500, 500, "ab" * 32, first=100.0, newest=200.0),
    Access(1, 1, 0o640),
)
WHOLE = Condition("whole", "", 80, 80, "", first=300.0, newest=400.0)
CORRUPT = Condition("corrupt", "it ends with 16 NUL bytes", 80, 64, "", newest=150.0)
EMPTY = Condition("empty", "", 0, 0, "")
WRITER = ("pid 7 (python)",)
NONE, HAS, IN = Relation(), Relation(has_copy=True), Relation(in_copy=True)
ELSEWHERE, UNREAD = Relation(elsewhere="app.log.1"), Relation(unread="app.log.1.zst")


def found(condition: Condition | None, relation: Relation = NONE, **more: Any) -> Found:
    base = Found(
        "/l/app.log",
        condition.state if condition else "missing",
        condition,
        Identity((1, 9), condition.size, 8) if condition else None,
        copy=COPY,
        relation=relation,
        access=Access(1, 1, 0o600),
        own=Access(1, 1, 0o644) if condition else None,
        wanted=Access(1, 1, 0o644) if condition else None,
        room=10_000,
    )
    return replace(base, **more)


TABLE = [
    # what is there, relation to the copy, more → action, how, target, a part of the reason
    (None, Relation(), {}, "restore", "place", "app.log", "missing; the backup of 20261127 is whole"),
    (None, Relation(), {"copy": None}, "refuse", "", "", "missing, and no backup has a whole copy"),
    (None, ELSEWHERE, {}, "keep", "", "", "missing; the backup's lines are in app.log.1"),
    (None, UNREAD, {}, "refuse", "", "", "app.log.1.zst cannot be unpacked here"),
    (None, Relation(), {"room": 499}, "refuse", "", "app.log", "500 B are needed and 499 B are free"),
    (None, Relation(), {"shifts": True}, "merge_before", "place", "app.log.restored-20261127", "its number may be"),
    (EMPTY, IN, {}, "restore", "exchange", "app.log", "empty; the backup"),
    (EMPTY, IN, {"writers": WRITER}, "merge_before", "place", "app.log.restored-20261127", "open in pid 7 (python)"),
    (EMPTY, IN, {"copy": None}, "keep", "", "", "empty; no backup has lines of it"),
    (EMPTY, ELSEWHERE, {}, "keep", "", "", "the backup's lines are in app.log.1"),
    (CORRUPT, IN, {}, "restore", "exchange", "app.log", "corrupt (it ends with 16 NUL bytes)"),
    (CORRUPT, IN, {"writers": WRITER}, "merge_before", "place", "app.log.restored-20261127", "open in pid 7"),
    (CORRUPT, Relation(), {}, "merge_before", "place", "app.log.restored-20261127", "lines that the backup does not"),
    (CORRUPT, HAS, {}, "keep", "", "", "it has all that the backup of 20261127 has"),
    (CORRUPT, IN, {"copy": None}, "refuse", "", "", "corrupt (it ends with 16 NUL bytes), and no backup"),
    (WHOLE, HAS, {}, "keep", "", "", "whole; it has all that the backup of 20261127 has"),
    (WHOLE, IN, {}, "restore", "exchange", "app.log", "shorter than the backup"),
    (WHOLE, IN, {"writers": WRITER}, "merge_before", "place", "app.log.restored-20261127", "shorter than the backup"),
    (WHOLE, Relation(), {}, "merge_before", "prepend", "app.log", "has only newer lines"),
    (WHOLE, Relation(), {"room": 579}, "refuse", "", "app.log", "580 B are needed"),
    (
        WHOLE,
        Relation(),
        {"writers": WRITER},
        "merge_before",
        "place",
        "app.log.restored-20261127",
        "newer lines, and is",
    ),
    (
        WHOLE,
        Relation(),
        {"packed": "gz"},
        "merge_before",
        "place",
        "app.log.restored-20261127",
        "some of the same time",
    ),
    (WHOLE, Relation(), {"copy": None}, "keep", "", "", "whole; no backup has lines of it"),
    (WHOLE, UNREAD, {}, "refuse", "", "", "app.log.1.zst cannot be unpacked here"),
    (WHOLE, Relation(), {"problem": "a link", "way_out": "Out."}, "refuse", "", "", "a link"),
    (
        WHOLE,
        Relation(),
        {"writers": WRITER, "taken": ("app.log.restored-20261127",)},
        "refuse",
        "",
        "",
        "app.log.restored-20261127 is there, and holds something else",
    ),
    (replace(WHOLE, first=200.0), Relation(), {}, "merge_before", "place", "app.log.restored-20261127", "same time"),
    (replace(WHOLE, first=None), Relation(), {}, "merge_before", "place", "app.log.restored-20261127", "same time"),
    (replace(WHOLE, newest=None), Relation(), {}, "refuse", "", "", "no line says when it was written"),
    (replace(WHOLE, first=90.0, newest=199.0), Relation(), {}, "refuse", "", "", "the backup has newer lines"),
]


@pytest.mark.parametrize(("condition", "relation", "more", "action", "how", "target", "reason"), TABLE)
def test_what_is_done(
    condition: Any, relation: Relation, more: dict[str, Any], action: str, how: str, target: str, reason: str
) -> None:
    step = plan_log(found(condition, relation, **more), STAMP)
    assert (step.action, step.how, step.target if how else target) == (action, how, target)
    assert reason in step.reason
    assert bool(step.way_out) == (action == "refuse")
    if how:
        assert (step.source, step.count, step.digest) == (COPY.path, 500, "ab" * 32)
    kept = {"exchange": f"app.log.corrupt-{STAMP}", "prepend": f"app.log.before-{STAMP}"}
    assert step.aside == kept.get(how, "")
    # A new file is not wider than the copy, and what takes the place of the log has the log's own mode.
    if how:
        assert step.access == Access(1, 1, 0o644 if step.aside else 0o600)


def test_newer_backups_that_are_of_no_use_are_named() -> None:
    step = plan_log(found(None, passed=("/b/logs-20261128/app.log: its end is missing",)), STAMP)
    assert step.reason.endswith("passed over: /b/logs-20261128/app.log: its end is missing")


def test_a_copy_without_a_line_end_is_never_put_before_other_lines() -> None:
    copy = replace(COPY, condition=replace(COPY.condition, ended=False))
    assert plan_log(found(WHOLE, copy=copy), STAMP).how == "place"


HELD = FoundHeld(
    "/l/app.log",
    "app.log.recovered-9",
    Held("/proc/7/fd/3", 7, "python", Identity((1, 9), 300, 5), Access(1, 1, 0o640)),
    Access(1, 1, 0o640),
    room=1000,
)


@pytest.mark.parametrize(
    ("more", "action", "how", "count", "reason"),
    [
        ({}, "recover_deleted", "place", 300, "pid 7 (python) still writes to it"),
        ({"saved": 100}, "recover_deleted", "extend", 200, "pid 7 (python) still writes to it"),
        ({"saved": 300}, "keep", "", 0, "saved in app.log.recovered-9"),
        ({"saved": -1}, "refuse", "", 301, "app.log.recovered-9 holds something else"),
        ({"room": 299}, "refuse", "", 300, "300 B are needed and 299 B are free"),
        ({"problem": "its directory /l is missing", "way_out": "Make it."}, "refuse", "", 300, "/l is missing"),
    ],
)
def test_what_is_done_for_a_deleted_file(more: dict[str, Any], action: str, how: str, count: int, reason: str) -> None:
    step = plan_held(replace(HELD, **more))
    assert (step.action, step.how, step.count) == (action, how, count)
    assert reason in step.reason


def test_what_a_process_may_take_with_it_is_saved_first() -> None:
    steps = make_plan([HELD], [found(None), found(WHOLE, HAS)], STAMP)
    assert [step.action for step in steps] == ["recover_deleted", "restore", "keep"]


def test_owner_and_mode_are_mended_where_they_are_declared() -> None:
    wrong = found(WHOLE, HAS, wanted=Access(1, 1, 0o640))
    step = plan_access(wrong)
    assert step is not None
    assert (step.action, step.access, step.reason) == (
        "permit",
        Access(1, 1, 0o640),
        "belongs to 1:1, mode 0644, declared is 1:1, mode 0640",
    )
    assert plan_access(found(WHOLE, HAS)) is None
    assert [step.how for step in make_plan([], [wrong], STAMP)] == ["grant", ""]
    replaced = found(EMPTY, IN, wanted=Access(1, 1, 0o640))
    assert [step.how for step in make_plan([], [replaced], STAMP)] == ["exchange"]
