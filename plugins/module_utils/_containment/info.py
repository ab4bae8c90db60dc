# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the isolation of a host stands. Reads only."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._containment.filters import cut
from ansible_collections.toombos.incident.plugins.module_utils._containment.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._containment.record import Record
from ansible_collections.toombos.incident.plugins.module_utils._deadman import types as d
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

NONE, WAITING, CONFIRMED, LEFT, UNKNOWN = "released", "isolated", "confirmed", "left_behind", "unknown"


def standing(params: Mapping[str, Any]) -> dict[str, Any]:
    """The result of the module containment_info."""
    host = Host(str(params["store_dir"]), str(params["state_dir"]))
    problems: list[str] = []
    record = None
    try:
        record = host.records.read()
    except IncidentError as error:
        problems.append(str(error))
    present = host.filters.present()
    state = UNKNOWN if problems else _state(host, record, present)
    in_force = record is not None and bool(record.listing) and host.filters.get(record.backend).intact(record.listing)
    problems += _problems(state, in_force, host.watch.words())
    counters = host.filters.counters()
    return {
        "state": state,
        "in_force": in_force,
        "backend": present,
        "isolation": _told(record),
        "until": host.deadlines.until(record.deadline) if record is not None and state == WAITING else "",
        "kept_by": host.watch.words(),
        "tampering": _readable(host.records.tampering()),
        "counters": counters,
        "cut": cut(counters),
        "problems": problems,
        "changed": False,
        "failed": False,
        "msg": f"{state}" + (f": {'; '.join(problems)}" if problems else ""),
    }


def _state(host: Host, record: Record | None, present: str) -> str:
    if record is None:
        return LEFT if present else NONE
    # Whether it is confirmed is decided by its deadline; the record may be a moment behind.
    if record.confirmed or host.deadlines.state(record.deadline) == d.CALLED_OFF:
        return CONFIRMED
    return WAITING if host.deadlines.state(record.deadline) in (d.ARMED, d.FIRING) else LEFT


def _problems(state: str, in_force: bool, kept_by: str) -> list[str]:
    found = []
    if state == LEFT:
        found.append("there are rules or a record of an isolation that nothing will end; release the host")
    if state == CONFIRMED and not in_force:
        found.append("the host is to be isolated, and its rules are not as they were put in place")
    if state == CONFIRMED and not kept_by:
        found.append("nothing keeps the isolation in force; isolate the host again to have that back")
    return found


def _told(record: Record | None) -> dict[str, Any]:
    if record is None:
        return {}
    return {
        "incident": record.incident,
        "reason": record.reason,
        "who": record.who,
        "since": moment(record.since),
        "backend": record.backend,
        "overrides": list(record.overrides),
        "flows": [
            {"direction": f.direction, "network": f.network, "protocol": f.protocol, "port": f.port, "why": f.why}
            for f in record.flows
        ],
        "connection": record.connection,
    }


def _readable(known: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "count": known["count"],
        "first": moment(known["first"]) if known["count"] else "",
        "last": moment(known["last"]) if known["count"] else "",
        "events": [{"at": moment(event["at"]), "found": event["found"]} for event in known["events"]],
    }
