# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of probing: a probe asks one health question, a check is its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PASS = "pass"
WARN = "warn"
FAIL = "fail"
BLOCKED = "blocked"  # fails, and so does something it depends on
UNKNOWN = "unknown"  # was not answered: the deadline came first
STATUSES = (PASS, WARN, FAIL, BLOCKED, UNKNOWN)


@dataclass(frozen=True)
class Schedule:
    """Kubernetes probe semantics. Times in seconds.

    The first attempt comes ``initial_delay`` after the start, the next ones on ticks of ``period``;
    an attempt that outlives ``timeout`` has failed. ``success_threshold`` consecutive successes pass,
    ``failure_threshold`` consecutive failures fail.
    """

    initial_delay: float = 0.0
    period: float = 1.0
    timeout: float = 3.0
    success_threshold: int = 1
    failure_threshold: int = 2


@dataclass(frozen=True)
class Probe:
    """One health question. ``target`` is the frozen value of its kind (see ``_probe.targets``)."""

    name: str
    kind: str
    target: Any
    service: str = ""  # empty: a question about the host itself
    schedule: Schedule = Schedule()


@dataclass(frozen=True)
class Outcome:
    """What one attempt saw. ``reason`` is a word of ``_probe.reasons``; ``status`` is pass, warn or fail."""

    status: str
    reason: str
    message: str
    observed: Any = None
    expected: Any = None


@dataclass(frozen=True)
class Check:
    """The answer to one probe. ``latency`` in seconds of the last attempt, None when there was none.

    ``retried``: it passed, but an attempt had failed before.
    """

    service: str
    probe: str
    kind: str
    status: str
    reason: str
    message: str
    observed: Any = None
    expected: Any = None
    latency: float | None = None
    attempts: int = 0
    retried: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, field names as they are."""
        return dict(self.__dict__)
