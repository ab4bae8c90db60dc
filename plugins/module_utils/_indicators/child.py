# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check in a process of its own: whatever hangs or grows in it, the others and the answer do not."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
from typing import Any, Callable

from ansible_collections.toombos.incident.plugins.module_utils._apart import Tell, apart
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._indicators.types import Item, Mark, Reading, Stream

MOST_ITEMS = 20_000
_MOST_BYTES = 32 << 20  # that a check may say
_MEMORY = 1 << 30  # bytes of addresses that a check may use beyond what it begins with
_PIECE = 1 << 16
_END = {"end": True}


def read_apart(read: Callable[[], Stream], seconds: float, clock: Clock) -> Reading:
    """What ``read`` yields within ``seconds``, and whether it came to its end.

    It is killed then; one that is in a system call which cannot be interrupted is left to the kernel.
    """
    started = clock.monotonic()
    if seconds <= 0:
        return Reading(ended=False)
    with apart(lambda tell: _work(read, tell), clock) as reading:
        items, marks, ended = _heard(reading, started + seconds, clock)
    return Reading(tuple(items), tuple(marks), ended, round(clock.monotonic() - started, 3))


def _work(read: Callable[[], Stream], tell: Tell) -> None:
    """What it sees, one by one; whatever breaks it off is a mark like others."""
    _limit_memory()
    try:
        for number, seen in enumerate(read()):
            if number >= MOST_ITEMS:
                tell({"kind": "error", "text": f"there are more than {MOST_ITEMS}; the rest was not looked at"})
                break
            tell(_as_entry(seen))
    except BaseException as error:  # noqa: BLE001 - MemoryError and SystemExit of a reader, too
        tell({"kind": "error", "text": _explained(error)})
    tell(_END)


def _explained(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "it needed more memory than it may have"
    return f"{type(error).__name__}: {error}"


def _limit_memory() -> None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open("/proc/self/statm", "rb") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, hard))


def _as_entry(seen: Any) -> dict[str, Any]:
    if isinstance(seen, Mark):
        return {"kind": seen.kind, "text": seen.text}
    return {"key": seen.key, "value": seen.value, "facts": dict(seen.facts), "seen": list(seen.seen)}


def _heard(reading: int, deadline: float, clock: Clock) -> tuple[list[Item], list[Mark], bool]:
    items: list[Item] = []
    marks: list[Mark] = []
    rest, size = b"", 0
    while True:
        left = deadline - clock.monotonic()
        if left <= 0 or not select.select([reading], [], [], left)[0]:
            return items, marks, False
        data = os.read(reading, _PIECE)
        size += len(data)
        if not data:
            marks.append(Mark("error", "it ended without a word"))
            return items, marks, True
        if size > _MOST_BYTES:
            marks.append(Mark("error", f"it had more to say than {_MOST_BYTES >> 20} MiB"))
            return items, marks, True
        *whole, rest = (rest + data).split(b"\n")
        for text in whole:
            entry = json.loads(text)
            if entry == _END:
                return items, marks, True
            if "problem" in entry:
                marks.append(Mark("error", entry["problem"]))
                return items, marks, True
            if "kind" in entry:
                marks.append(Mark(entry["kind"], entry["text"]))
            else:
                items.append(Item(entry["key"], entry["value"], entry["facts"], tuple(entry["seen"])))
