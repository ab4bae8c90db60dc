# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only shows when the hosts of a fleet are laid side by side. Pure."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import Fleet, Host, Pattern

# Lines of these patterns are no errors by themselves.
_NO_ERRORS = frozenset({"database", "publisher"})
_MOST = 40  # events that are told
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Event:
    """The first line of its kind in a log of a host. ``time``: ISO 8601, UTC, by the clock of that host."""

    time: str
    host: str
    service: str
    pattern: str
    text: str


@dataclass(frozen=True)
class Difference:
    """A service that is not in the same condition everywhere. ``hosts``: condition → hosts."""

    service: str
    hosts: tuple[tuple[str, tuple[str, ...]], ...]


def first_errors(fleet: Fleet) -> tuple[Event, ...]:
    """The first line of each pattern, per host and service, in the order of their times."""
    found = {event: None for host in fleet.hosts for event in _events(host)}
    return tuple(sorted(found, key=lambda each: (each.time, each.host, each.service, each.pattern)))[:_MOST]


def differences(fleet: Fleet) -> tuple[Difference, ...]:
    """Services whose hosts do not agree, in the order in which they come."""
    seen: dict[str, dict[str, list[str]]] = {}
    for host in fleet.judged:
        for service in host.services:
            seen.setdefault(service.name, {}).setdefault(service.condition, []).append(host.name)
    return tuple(
        Difference(name, tuple((condition, tuple(hosts)) for condition, hosts in found.items()))
        for name, found in seen.items()
        if len(found) > 1
    )


def epoch(moment: str) -> float | None:
    """Seconds of ``2026-11-23T14:45:54Z``; None for anything else."""
    try:
        return float(calendar.timegm(time.strptime(moment, _FORMAT)))
    except ValueError:
        return None


def iso(seconds: float) -> str:
    """``2026-11-23T14:45:54Z``."""
    return time.strftime(_FORMAT, time.gmtime(seconds))


def _events(host: Host) -> Iterator[Event]:
    for pattern in host.logs.patterns:
        if pattern.name in _NO_ERRORS or not pattern.count:
            continue
        timed = [each for each in pattern.samples if epoch(each.time) is not None]
        told = set()
        for sample in sorted(timed, key=lambda each: each.time):
            if sample.service not in told:
                told.add(sample.service)
                yield Event(sample.time, host.name, sample.service, pattern.name, sample.text)
        if epoch(pattern.first_seen) is not None and not told:
            yield Event(pattern.first_seen, host.name, ", ".join(pattern.services), pattern.name, _kind(pattern))


def _kind(pattern: Pattern) -> str:
    return pattern.signatures[0][1] if pattern.signatures else ""
