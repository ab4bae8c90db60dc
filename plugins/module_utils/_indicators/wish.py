# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks for, checked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._indicators.checks import CHECKS
from ansible_collections.toombos.incident.plugins.module_utils._indicators.expected import Expected, read_expected
from ansible_collections.toombos.incident.plugins.module_utils._logs.scan import Log
from ansible_collections.toombos.incident.plugins.module_utils._logs.stamps import since
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration

_MOST_SECONDS = 3600.0


@dataclass(frozen=True)
class Wish:
    """``since`` in seconds since the epoch; ``seconds`` for all checks, ``each`` for one of them at most."""

    checks: tuple[str, ...]
    since: float | None
    seconds: float
    each: float | None
    logs: tuple[Log, ...]
    expected: Expected
    store_dir: str
    digest: str
    who: str
    why: str


def read_wish(options: Mapping[str, Any], now: float) -> Wish:
    """Of the options of the module. Raises IncidentError."""
    seconds = parse_duration(options["budget"])
    if not 0 < seconds <= _MOST_SECONDS:
        raise IncidentError(
            f"budget: {options['budget']} is out of bounds.", "Give more than nothing, an hour at most."
        )
    each = parse_duration(options["check_timeout"]) if options["check_timeout"] else None
    logs, ports = _of_services(options["services"], options["services_only"])
    return Wish(
        checks=_chosen(options["only"], options["exclude"]),
        since=since(options["since"], now) if options["since"] else None,
        seconds=seconds,
        each=each,
        logs=logs,
        expected=read_expected(options["expected"], ports),
        store_dir=options["store_dir"],
        digest=options["digest"].strip(),
        who=options["owner"],
        why=options["reason"].strip(),
    )


def _chosen(only: Sequence[str], exclude: Sequence[str]) -> tuple[str, ...]:
    unknown = sorted({*only, *exclude} - set(CHECKS))
    if unknown:
        raise IncidentError(f"There is no check {', '.join(unknown)}.", f"Known are {', '.join(CHECKS)}.")
    chosen = tuple(name for name in CHECKS if (not only or name in only) and name not in exclude)
    if not chosen:
        raise IncidentError("No check is left.", "Exclude fewer.")
    return chosen


def _of_services(raw: Mapping[str, Any], only: Sequence[str]) -> tuple[tuple[Log, ...], frozenset[int]]:
    if not raw:
        if only:
            raise IncidentError("services_only: names services, and none are given.", "Give services, or leave it out.")
        return (), frozenset()
    from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import select
    from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import parse_catalogue

    catalogue = parse_catalogue(raw)
    services = [catalogue.services[name] for name in select(catalogue, only)]
    logs = tuple(Log(path, service.name) for service in services for path in service.logs)
    return logs, frozenset(port for service in services for port in service.ports)
