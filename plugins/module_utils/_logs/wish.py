# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks for, checked before anything is read."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import Malformed, read_path
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._logs.patterns import choose, compile_baseline
from ansible_collections.toombos.incident.plugins.module_utils._logs.scan import Log, Wish
from ansible_collections.toombos.incident.plugins.module_utils._logs.stamps import since

_MIB = 1024 * 1024
_DEFAULT_SETS = ("errors",)
_BOUNDS = {
    "lines": (1, 100_000_000),
    "samples": (0, 50),
    "signatures": (0, 100),
    "numbered_mib": (0, 1024 * _MIB),
    "largest_mib": (1, 1024 * _MIB),
}


def read_wish(options: Mapping[str, Any], now: float) -> Wish:
    """Of the options of the module. ``now`` in seconds since the epoch. Raises IncidentError."""
    for name, (least, most) in _BOUNDS.items():
        if options[name] is not None and not least <= options[name] <= most:
            raise IncidentError(f"{name}: {options[name]} is out of bounds.", f"Give {least} to {most}.")
    own = options["patterns"]
    sets = options["sets"] if options["sets"] is not None else () if own else _DEFAULT_SETS
    return Wish(
        patterns=choose(sets, own),
        since=None if options["since"] is None else since(options["since"], now),
        lines=options["lines"],
        rotated=options["rotated"],
        follow=options["follow"],
        samples=options["samples"],
        signatures=options["signatures"],
        numbered=options["numbered_mib"] * _MIB,
        largest=options["largest_mib"] * _MIB,
    )


def read_logs(options: Mapping[str, Any]) -> tuple[Log, ...]:
    """Those of ``paths``, then those of the services, each once. Raises IncidentError when there are none."""
    baseline = compile_baseline(options["baseline"])
    logs = [Log(_path(path), "", baseline) for path in options["paths"] or ()]
    if options["only"] and options["services"] is None:
        raise IncidentError("only: names services, and none are given.", "Give services, or leave it out.")
    if options["services"] is not None:
        logs += _of_services(options["services"], options["only"], baseline)
    first = {log.path: log for log in reversed(logs)}
    if not first:
        raise IncidentError("There is no log to read.", "Give paths, or services that have logs.")
    return tuple(log for log in logs if first[log.path] is log)


def _of_services(raw: Mapping[str, Any], only: Sequence[str], baseline: tuple[Any, ...]) -> list[Log]:
    # Paths can be read without all that a catalogue needs.
    from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import select
    from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import parse_catalogue
    from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import LogTarget

    catalogue = parse_catalogue(raw)
    logs = []
    for name in select(catalogue, only):
        service = catalogue.services[name]
        # What the service's own probes of logs know to be harmless is so here, too.
        known = [
            text for probe in service.probes if isinstance(probe.target, LogTarget) for text in probe.target.baseline
        ]
        logs += [Log(path, name, baseline + compile_baseline(known)) for path in service.logs]
    return logs


def _path(value: str) -> str:
    try:
        return read_path(value)
    except Malformed as problem:
        raise IncidentError(f"paths: {problem}.", "Write absolute paths.") from problem
