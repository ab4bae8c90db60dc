# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of an incident: every host that was meant, what came of it, and why some are missing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._atomic import write_atomic
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.book import Book, Records
from ansible_collections.toombos.incident.plugins.plugin_utils._custody.log import Event, digest, now
from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable

FLEET, MANIFEST, MISSING = "fleet.json", "manifest", "missing"
IN_PLACE, FAILED = "captured", "failed"
_NOT_RUN = "its capture did not run: the host could not be reached before, or the run ended"


def entry(result: Mapping[str, Any] | None) -> dict[str, Any]:
    """What became of one host, from the registered result of its capture (None: there is none).

    ``state`` is ``captured``, ``missing`` (the host was not reached or not asked) or ``failed``.
    """
    if not result:
        return {"state": MISSING, "reason": _NOT_RUN}
    if result.get("unreachable"):
        return {"state": MISSING, "reason": f"unreachable: {_said(result)}"}
    if result.get("skipped"):
        return {"state": MISSING, "reason": f"its capture was skipped: {_said(result)}"}
    if result.get("failed") or "bag" not in result:
        return {"state": FAILED, "reason": _said(result)}
    package = result.get("package") or {}
    return {
        "state": IN_PLACE,
        "reason": "" if "path" in result else "it was left on the host, as it was asked for",
        "bag": result["bag"],
        "method": package.get("method", ""),
        "sha256": package.get("sha256", ""),
        "tagmanifest_sha256": result.get("tagmanifest_sha256", ""),
        "outcomes": dict(result.get("outcomes") or {}),
        "offset": dict(result.get("offset") or {}),
        "recovered": list(result.get("recovered") or ()),
    }


def manifest(results: Mapping[str, Mapping[str, Any] | None]) -> dict[str, dict[str, Any]]:
    """Host → entry, in the order of the names."""
    return {host: entry(results[host]) for host in sorted(results)}


def counts(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many hosts are in which state."""
    states = [each["state"] for each in hosts.values()]
    return {state: states.count(state) for state in (IN_PLACE, MISSING, FAILED)}


def lines(hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One line per host, for people; those that are missing first."""
    ordered = sorted(hosts.items(), key=lambda each: each[1]["state"] == IN_PLACE)
    return [printable(f"{host}: {each['state']}: {each.get('bag') or each['reason']}") for host, each in ordered]


def write_manifest(book: Book, hosts: Mapping[str, Mapping[str, Any]]) -> str:
    """Put the manifest beside the custody log, and on record, with each host that is missing; its path.

    Raises IncidentError, OSError.
    """
    path = os.path.join(book.directory, FLEET)

    def write(_records: Records) -> list[Event]:
        about = {"incident": book.incident, "controller": book.actor.controller, "written": now()}
        content = json.dumps({**about, "counts": counts(hosts), "hosts": hosts}, indent=1, sort_keys=True) + "\n"
        write_atomic(path, content.encode())
        gone = {host: each["reason"] for host, each in hosts.items() if each["state"] == MISSING}
        missing = [Event(MISSING, host, detail={"reason": reason}) for host, reason in gone.items()]
        return [
            *missing,
            Event(MANIFEST, detail={"beside": {FLEET: digest(content.encode())}, "counts": counts(hosts)}),
        ]

    book.append(write)
    return path


def _said(result: Mapping[str, Any]) -> str:
    return redact(" ".join(str(result.get("msg") or result.get("skip_reason") or "no reason was given").split()))[:300]
