# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The custody log as text: one record per line, each with the digest of the one before it, and a seal as the last line.

There is exactly one way to write a record or a seal, so that a byte that differs is never a matter of taste.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError

NAMESPACE = "custody@toombos.incident"
_BEGINNING = "0" * 64  # what stands for the digest before the first record
_RECORD = frozenset({"seq", "time", "event", "who", "why", "controller", "host", "bag", "detail", "prev"})
_SEAL = frozenset({"namespace", "signer", "records", "head", "signature"})


class BrokenLog(IncidentError):
    """A custody log that is not what was written; ``problems`` has one line for each thing that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(
            "The custody log is not what was written: " + "; ".join(problems) + ".",
            "Do not repair it. Compare it with your backup, and keep both.",
        )


@dataclass(frozen=True)
class Event:
    """Something that happened. ``why`` replaces the reason of who does it; ``detail`` is JSON-ready."""

    event: str
    host: str = ""
    bag: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Actor:
    """Who does it, on which controller, and why."""

    who: str
    controller: str
    why: str = ""


@dataclass(frozen=True)
class Log:
    """A log whose chain holds. ``body``: the records; ``heads``: the digest of each; ``seal``: its last line."""

    body: bytes
    records: tuple[Mapping[str, Any], ...]
    heads: tuple[str, ...]
    seal: Mapping[str, Any]

    @property
    def head(self) -> str:
        """The digest of the last record: whoever knows it knows the whole log."""
        return self.heads[-1]


def canonical(value: Any) -> str:
    """JSON on one line, in the one form that is used."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def now() -> str:
    """The time of a record: RFC 3339, UTC, with microseconds."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def lines_of(events: Iterable[Event], actor: Actor, time: str, before: Log | None) -> bytes:
    """The records of the events, as they follow on the log ``before``."""
    begin = len(before.records) + 1 if before else 1
    prev = before.head if before else _BEGINNING
    lines = []
    for seq, event in enumerate(events, begin):
        record = {
            "seq": seq,
            "time": time,
            "event": event.event,
            "who": actor.who,
            "why": event.why or actor.why,
            "controller": actor.controller,
            "host": event.host,
            "bag": event.bag,
            "detail": event.detail,
            "prev": prev,
        }
        line = canonical(record).encode()
        lines.append(line + b"\n")
        prev = digest(line)
    return b"".join(lines)


def seal_line(body: bytes, signer: str, signature: str) -> bytes:
    """The last line, for the records ``body``. ``signer``: the fingerprint of the key."""
    lines = body.splitlines()
    seal = {
        "namespace": NAMESPACE,
        "signer": signer,
        "records": len(lines),
        "head": digest(lines[-1]),
        "signature": signature,
    }
    return canonical({"seal": seal}).encode() + b"\n"


def read_log(data: bytes) -> Log:
    """The log of a file's content. Whether the signature is right is another question. Raises BrokenLog."""
    lines = data.split(b"\n")
    if lines.pop() or not lines:
        raise BrokenLog(["its last line is not complete"])
    *written, last = lines
    problems: list[str] = []
    prev, heads, records = _BEGINNING, [], []
    for number, line in enumerate(written, 1):
        record = _read_line(line, f"line {number}", problems)
        problems += [f"line {number} {what}" for what in _record_problems(record, number, prev)] if record else []
        records.append(record)
        prev = digest(line)
        heads.append(prev)
    seal = _read_line(last, "the seal", problems).get("seal")
    problems += [f"the seal {what}" for what in _seal_problems(seal, heads)]
    if problems:
        raise BrokenLog(problems)
    return Log(data[: len(data) - len(last) - 1], tuple(records), tuple(heads), seal or {})


def sealed_at(log: Log, count: int, seal: Mapping[str, Any]) -> Log:
    """The log as it was when it had ``count`` records, with the seal that it had then. Raises BrokenLog."""
    body = b"".join(line + b"\n" for line in log.body.splitlines()[:count])
    return read_log(body + canonical({"seal": seal}).encode() + b"\n")


def _read_line(line: bytes, where: str, problems: list[str]) -> dict[str, Any]:
    try:
        value = json.loads(line)
        if isinstance(value, dict) and canonical(value).encode() == line:
            return value
    except (ValueError, RecursionError):
        pass
    problems.append(f"{where} is not written as a record is")
    return {}


def _record_problems(record: Mapping[str, Any], number: int, prev: str) -> list[str]:
    kinds = {key: {"seq": int, "detail": dict}.get(key, str) for key in _RECORD}
    if set(record) != _RECORD or not all(isinstance(record[key], kind) for key, kind in kinds.items()):
        return ["has not the keys of a record"]
    problems = []
    if record["seq"] != number or record["seq"] is True:
        problems.append(f"bears the number {record['seq']}")
    if record["prev"] != prev:
        problems.append("does not follow on the one before it")
    return problems


def _seal_problems(seal: Any, heads: Sequence[str]) -> list[str]:
    if not isinstance(seal, dict) or set(seal) != _SEAL:
        return ["is missing"]
    problems = []
    if seal["namespace"] != NAMESPACE:
        problems.append("is of another namespace")
    if not heads or seal["records"] != len(heads) or seal["head"] != heads[-1]:
        problems.append("is not that of these records")
    return problems
