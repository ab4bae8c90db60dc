# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told about a capture: in the bag, in the result, and before anything is done."""

from __future__ import annotations

import time
from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._evidence import types as t
from ansible_collections.toombos.incident.plugins.module_utils._evidence.wish import Wish
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact
from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration, format_size

PLANNED = "planned"  # in place of an outcome, in check mode
_SOFTWARE = "toombos.incident evidence_capture"
# Labels of RFC 8493 for what was requested, and ours for the rest of it.
_LABELS = {"who": "Contact-Name", "organization": "Source-Organization", "email": "Contact-Email"}


def capture_document(
    wish: Wish, host: str, clock: Mapping[str, float], tools: Mapping[str, str], collected: Sequence[t.Collected]
) -> dict[str, Any]:
    """The content of capture.json."""
    return {
        "format": 1,
        "bag": wish.bag,
        "incident": wish.incident,
        "host": host,
        "profile": wish.profile,
        "requested": _printable(dict(wish.requested)),
        "reason": t.printable(wish.reason),
        "clock": dict(clock),
        "tools": dict(tools),
        "limits": {"budget": wish.budget, "max_bytes": wish.limits.budget, "reserve": wish.limits.reserve},
        "keep": sorted(wish.keep),
        "redacted": sorted(wish.mask),
        "sealed": wish.seal.method if wish.seal else "none",
        "outcomes": count(collected),
        "artifacts": [each.to_dict() for each in collected],
    }


def bag_info(wish: Wish, host: str, now: float) -> dict[str, str]:
    """Labels and values of bag-info.txt."""
    requested = {key: value for key, value in wish.requested.items() if value not in (None, "")}
    info = {
        "Source-Organization": str(requested.pop("organization", host)),
        "External-Identifier": wish.bag,
        "External-Description": t.printable(wish.reason) or f"Evidence of {host} for {wish.incident}",
        "Bag-Group-Identifier": wish.incident,
        "Internal-Sender-Identifier": host,
        "Internal-Sender-Description": f"profile {wish.profile}",
        "Bagging-Date": time.strftime("%Y-%m-%d", time.gmtime(now)),
        "Bag-Software-Agent": _SOFTWARE,
    }
    for key, value in sorted(requested.items()):
        label = _LABELS.get(key, "Requested-" + "-".join(word.capitalize() for word in str(key).split("_")))
        info[label] = t.printable(str(value))
    return info


def artifacts(collected: Sequence[t.Collected]) -> list[dict[str, Any]]:
    """One entry per artifact for the result, with nothing of its content."""
    return [
        {
            "artifact": each.artifact.name,
            "outcome": each.outcome,
            "message": told(each.message),
            "bytes": each.size,
            "duration": round(each.duration, 3),
        }
        for each in collected
    ]


def planned(wish: Wish, refused: Mapping[str, str]) -> dict[str, Any]:
    """The result in check mode. ``refused``: artifact → why it would not even be tried."""
    entries = [
        {
            "artifact": each.name,
            "outcome": t.DENIED if each.name in refused else PLANNED,
            "message": refused.get(each.name)
            or told(f"from {' or '.join(_source(source) for source in each.sources)}"),
            "bytes": 0,
            "duration": 0.0,
        }
        for each in wish.artifacts
    ]
    outcomes: dict[str, int] = {}
    for entry in entries:
        outcomes[str(entry["outcome"])] = outcomes.get(str(entry["outcome"]), 0) + 1
    return {
        "changed": True,
        "bag": wish.bag,
        "outcomes": outcomes,
        "artifacts": entries,
        "notes": [],
        "leftovers": [],
        "msg": f"Would capture {outcomes.get(PLANNED, 0)} of {len(entries)} artifacts into {wish.bag}.",
    }


def count(collected: Sequence[t.Collected]) -> dict[str, int]:
    """Outcome → how many."""
    outcomes: dict[str, int] = {}
    for each in collected:
        outcomes[each.outcome] = outcomes.get(each.outcome, 0) + 1
    return {name: outcomes[name] for name in t.OUTCOMES if name in outcomes}


def message(outcomes: Mapping[str, int], package: Mapping[str, Any], seconds: float) -> str:
    """One line for people."""
    what = ", ".join(f"{number} {name}" for name, number in outcomes.items())
    sealed = "not sealed" if package["method"] == "none" else f"sealed with {package['method']}"
    size = f"{format_size(package['size'])} in {len(package['parts'])} part(s)"
    return f"{sum(outcomes.values())} artifacts: {what}; {size}, {sealed}; {format_duration(seconds)}"


def told(text: str) -> str:
    """A text that may leave the host: paths and errors can have anything in them."""
    return redact(t.printable(text))


def _source(source: t.Source) -> str:
    return f"{source.kind} {' '.join(source.what)}"


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return t.printable(value)
    if isinstance(value, dict):
        return {str(key): _printable(each) for key, each in value.items()}
    return [_printable(each) for each in value] if isinstance(value, list) else value
