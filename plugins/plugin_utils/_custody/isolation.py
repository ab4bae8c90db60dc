# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the custody log says of an isolation: that it was put in place, what proves it, and that it was taken away."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact_value
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import Book, Records
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.log import Event, digest, now
from ansible_collections.toombos.incident.plugins.plugin_utils._report_files import file_name

CONTAINED, RELEASED = "contained", "containment_released"
_BY_OUTCOME = {"isolated": CONTAINED, "confirmed": CONTAINED, "unchanged": CONTAINED, "released": RELEASED}
_BY_PROOF = {
    "proved": "containment_proved",
    "not_proved": "containment_not_proved",
    "disproved": "containment_disproved",
}
# What of the result of a containment is told, where it is there.
_TOLD = ("outcome", "plan_hash", "backend", "overrides", "restored", "archive", "tampering")


@dataclass(frozen=True)
class Written:
    """The head of the log now, the events that were added, and the name of the file with the proof, if there is one."""

    head: str
    events: tuple[str, ...]
    file: str


def write_isolation(book: Book, host: str, result: Mapping[str, Any], proof: Mapping[str, Any]) -> Written:
    """Put the proof beside the custody log, and both on record.

    ``result``: of the module containment; ``proof``: of containment_proof; either may be empty. Nothing is written
    where there is nothing to tell: an isolation that was in place already, without a proof. Raises IncidentError,
    OSError.
    """
    named: list[str] = []
    events: list[Event] = []

    def write(records: Records) -> list[Event]:
        if result.get("changed") and result.get("outcome") in _BY_OUTCOME:
            events.append(_of_result(host, result))
        if proof.get("outcome") in _BY_PROOF:
            named.append(_next_name(records, host))
            events.append(_of_proof(book, host, named[0], proof))
        return events

    head = book.append(write)
    return Written(head, tuple(event.event for event in events), named[0] if named else "")


def _of_result(host: str, result: Mapping[str, Any]) -> Event:
    told = {key: result[key] for key in _TOLD if key in result}
    return Event(_BY_OUTCOME[str(result["outcome"])], host, detail=_plain(told))


def _of_proof(book: Book, host: str, name: str, proof: Mapping[str, Any]) -> Event:
    told = {"incident": book.incident, "host": host, "written": now(), "proof": _plain(proof)}
    content = (json.dumps(told, indent=1, sort_keys=True) + "\n").encode()
    write_atomic(os.path.join(book.directory, name), content)
    # The script beside an older log does not know of proofs.
    beside = {**book.place_files(), name: digest(content)}
    detail = {"outcome": proof["outcome"], "counts": _plain(proof.get("counts") or {}), "beside": beside}
    return Event(_BY_PROOF[str(proof["outcome"])], host, detail=detail)


def _next_name(records: Records, host: str) -> str:
    """One that the log does not have. A file that is there without a record was left by a writer that was killed."""
    pattern = re.compile(rf"proof-{re.escape(file_name(host))}-(\d+)\.json")
    names = [name for record in records for name in record["detail"].get("beside") or ()]
    numbers = [int(found[1]) for found in map(pattern.fullmatch, map(str, names)) if found]
    return f"proof-{file_name(host)}-{max(numbers, default=0) + 1:03d}.json"


def _plain(value: Any) -> Any:
    return redact_value(json.loads(json.dumps(value, default=str)))
