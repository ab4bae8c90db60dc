# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every rendering says: the checks of one host as a flat list, and the one verdict that follows from them.

The verdict is a function of the statuses alone, so a format that keeps every status keeps the verdict.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._probe.types import (
    BLOCKED,
    FAIL,
    PASS,
    STATUSES,
    UNKNOWN,
    WARN,
)

HOST = "host"  # stands for the service in a question about the host itself

_CONDITIONS = {"healthy": PASS, "blocked": BLOCKED, "starting": UNKNOWN, "unknown": UNKNOWN}
_GOOD = ("pass", "warn", "healthy")
_NOT_IN_NAMES = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]+")
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Answer:
    """One check, made presentable: names are one line each, ``latency`` in seconds, values are plain JSON."""

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

    @property
    def name(self) -> str:
        """Service and probe."""
        return f"{self.service}/{self.probe}"


@dataclass(frozen=True)
class Report:
    """The answers of one host. ``message``: the result's own line for people."""

    host: str
    message: str
    answers: tuple[Answer, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many answers have each status."""
        return {status: sum(answer.status == status for answer in self.answers) for status in STATUSES}

    @property
    def verdict(self) -> str:
        """pass, warn or fail, as in the verdict of ``health_check``: what is blocked or not answered is no pass."""
        counts = self.counts
        if counts[FAIL] or counts[BLOCKED] or counts[UNKNOWN]:
            return FAIL
        return WARN if counts[WARN] else PASS


def read_report(result: Mapping[str, Any], host: str = "") -> Report:
    """The report on a result of ``health_check`` or ``service_recovery``, or on a task that left none.

    The condition of each service of a recovery becomes a check beside those of its probes, and so does each answer in
    ``controller_checks``. When the result is red for a
    reason that no check tells, one more check tells it: nobody who reads only part of the statuses sees a pass.
    """
    answers = [_answer(check) for check in _checks(result)]
    message = clean(result.get("msg"))
    red = {FAIL, UNKNOWN} & {answer.status for answer in answers}
    if not red and (any(answer.status == BLOCKED for answer in answers) or not _is_good(result)):
        status = UNKNOWN if _status_word(result) is None else FAIL
        answers.append(Answer(HOST, "verdict", "verdict", status, "not_proven", message or "there is no result"))
    return Report(_name(host), message, tuple(_distinct(answers)))


def clean(text: Any) -> str:
    """Any value as text that can be encoded."""
    return _SURROGATES.sub("\ufffd", "" if text is None else str(text))


def plain(value: Any) -> Any:
    """Any value as plain JSON; numbers that JSON does not know become text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if value - value == 0 else str(float(value))
    if isinstance(value, Mapping):
        return {clean(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return clean(value)


def one_line(text: str, most: int = 0) -> str:
    """The text with every run of blanks and control characters as one blank, cut to ``most`` characters."""
    line = _NOT_IN_NAMES.sub(" ", text).strip()
    return f"{line[: most - 1]}…" if 0 < most < len(line) else line


def _checks(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = list(result.get("host_checks") or ()) + list(result.get("checks") or ())
    for service in result.get("services") or ():
        found.append(_condition(service))
        found += service.get("checks") or ()
    for check in result.get("controller_checks") or ():
        found.append({**check, "probe": f"{check.get('probe')}@controller"})
    return found


def _condition(service: Mapping[str, Any]) -> dict[str, Any]:
    word = str(service.get("condition") or UNKNOWN)
    message = " ".join(clean(service.get(key)) for key in ("message", "refusal", "next") if service.get(key))
    return {
        "service": service.get("name"),
        "probe": "condition",
        "kind": "condition",
        "status": _CONDITIONS.get(word, FAIL),
        "reason": word,
        "message": message,
    }


def _answer(check: Mapping[str, Any]) -> Answer:
    status, latency = check.get("status"), plain(check.get("latency"))
    return Answer(
        service=_name(check.get("service")) or HOST,
        probe=_name(check.get("probe")) or "unnamed",
        kind=_name(check.get("kind")),
        status=str(status) if status in STATUSES else UNKNOWN,
        reason=_name(check.get("reason")),
        message=clean(check.get("message")),
        observed=plain(check.get("observed")),
        expected=plain(check.get("expected")),
        latency=float(latency) if isinstance(latency, (int, float)) else None,
        attempts=int(check.get("attempts") or 0),
    )


def _distinct(answers: Sequence[Answer]) -> list[Answer]:
    """No two answers of one name: formats that know things by their names would keep one of them."""
    seen: set[str] = set()
    found = []
    for answer in answers:
        probe, number = answer.probe, 1
        while f"{answer.service}/{probe}" in seen:
            number += 1
            probe = f"{answer.probe}-{number}"
        seen.add(f"{answer.service}/{probe}")
        found.append(Answer(**{**answer.__dict__, "probe": probe}))
    return found


def _name(value: Any) -> str:
    return one_line(clean(value))


def _status_word(result: Mapping[str, Any]) -> str | None:
    verdict = result.get("verdict")
    return verdict.get("status") if isinstance(verdict, Mapping) else None


def _is_good(result: Mapping[str, Any]) -> bool:
    return _status_word(result) in _GOOD and not result.get("failed") and not result.get("unreachable")
