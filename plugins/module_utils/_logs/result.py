# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan as a result: JSON-ready, bounded, with one line for people."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._logs.scan import Scan
from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration

_MOST = 200  # files that are named
_STOPPED = "cut short by the deadline"


def to_result(scan: Scan, duration: float) -> dict[str, Any]:
    """``patterns``, ``files``, ``skipped``, ``totals``, ``complete``. ``duration`` in seconds."""
    counted = [entry["lines"] for entry in scan.files]
    result: dict[str, Any] = {
        "patterns": {tally.pattern.name: tally.to_dict(scan.wish.signatures) for tally in scan.search.tallies},
        "files": scan.files[:_MOST],
        # Not "skipped": to Ansible that means that the task was not run.
        "left_out": [dict(skip.__dict__) for skip in scan.skipped[:_MOST]],
        "unread": scan.unread[:_MOST],
        "complete": scan.complete,
        "totals": {
            "files": len(scan.files),
            "skipped": len(scan.skipped),
            "bytes": sum(entry["bytes"] for entry in scan.files),
            "lines": None if None in counted else sum(counted),
            "harmless": scan.search.harmless,
            "long_lines": scan.search.long_lines,
            "costly_lines": scan.search.costly_lines,
            "duration": round(duration, 3),
        },
    }
    return {**result, "msg": summary(result)}


def empty(names: list[str]) -> dict[str, Any]:
    """The result of a scan that the deadline has ended before it said anything; ``names`` of the logs."""
    totals = {"files": 0, "skipped": 0, "bytes": 0, "lines": None, "harmless": 0, "long_lines": 0, "costly_lines": 0}
    result: dict[str, Any] = {
        "patterns": {},
        "files": [],
        "left_out": [],
        "unread": names[:_MOST],
        "complete": False,
        "totals": {**totals, "duration": 0.0},
    }
    return {**result, "msg": summary(result)}


def summary(result: Mapping[str, Any]) -> str:
    """``errors 12 (last 2026-11-23T14:45:54Z), database 0; 3 files, 1.2 MiB in 0.4s; 1 skipped``."""
    totals = result["totals"]
    told = []
    for name, found in result["patterns"].items():
        seen = f" (last {found['last_seen']})" if found["last_seen"] else ""
        told.append(f"{name} {found['count']}{seen}")
    size = f"{totals['files']} files, {totals['bytes'] / 1048576:.1f} MiB in {format_duration(totals['duration'])}"
    rest = [size]
    if totals["skipped"]:
        rest.append(f"{totals['skipped']} skipped")
    if not result["complete"]:
        rest.append(_STOPPED)
    return "; ".join([", ".join(told) or "nothing was read", *rest])
