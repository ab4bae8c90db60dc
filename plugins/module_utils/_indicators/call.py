# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call: every check apart and in its time, then the findings, and perhaps a new baseline."""

from __future__ import annotations

import functools
from typing import Any, Mapping

from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._indicators import baseline, result, types as t
from ansible_collections.toombos.incident.plugins.module_utils._indicators.checks import CHECKS, LOGS, Check
from ansible_collections.toombos.incident.plugins.module_utils._indicators.child import read_apart
from ansible_collections.toombos.incident.plugins.module_utils._indicators.host import Host
from ansible_collections.toombos.incident.plugins.module_utils._indicators.judge import Judged, judge
from ansible_collections.toombos.incident.plugins.module_utils._indicators.readers.logs import logs
from ansible_collections.toombos.incident.plugins.module_utils._indicators.wish import Wish, read_wish
from ansible_collections.toombos.incident.plugins.module_utils._recovery.moments import moment

_SERIOUS = frozenset({t.CRITICAL, t.HIGH})


def search(options: Mapping[str, Any], clock: Clock, check_mode: bool = False, root: str = "/") -> dict[str, Any]:
    """The module's result. Raises IncidentError for options that are not valid, and for a baseline that is refused."""
    wish = read_wish(options, clock.wall())
    standing = baseline.read_baseline(wish.store_dir, wish.digest)
    records = options["state"] == "baseline"
    if records and standing.state not in (baseline.NONE, baseline.PRESENT):
        _refuse_without_reason(wish, standing)
    began = clock.monotonic()
    readings = _read(wish, clock, root)
    known = standing.record.checks if standing.record and not records else {}
    judged = [
        judge(CHECKS[name], reading, known.get(name), wish.expected.knows(name), wish.expected.completes(name))
        for name, reading in readings.items()
    ]
    about = [] if records else result.of_baseline(standing)
    found = result.to_result(judged, about, standing, _sessions(readings), clock.monotonic() - began)
    if not records:
        return {"changed": False, **found}
    return _record(wish, standing, readings, judged, found, moment(clock.wall()), check_mode)


def _read(wish: Wish, clock: Clock, root: str) -> dict[str, t.Reading]:
    """Check → what it saw, each within its own time and what is left of the whole."""
    end = clock.monotonic() + wish.seconds
    readings = {}
    for name in wish.checks:
        check = CHECKS[name]
        seconds = min(wish.each or check.seconds, end - clock.monotonic())
        host = Host(root, clock.wall(), wish.since, max(0.0, seconds))
        readings[name] = read_apart(functools.partial(_stream, check, host, wish), seconds, clock)
    return readings


def _stream(check: Check, host: Host, wish: Wish) -> t.Stream:
    return logs(host, wish.logs) if check.read is None else check.read(host)


def _refuse_without_reason(wish: Wish, standing: baseline.Standing) -> None:
    if not wish.why:
        raise IncidentError(
            f"A baseline is not replaced without a reason, and {standing.message or baseline.SHOWN[standing.state]}.",
            "Say why: -e reason=…",
            {"baseline": standing.to_dict()},
        )


def _record(
    wish: Wish,
    standing: baseline.Standing,
    readings: Mapping[str, t.Reading],
    judged: list[Judged],
    found: dict[str, Any],
    now: str,
    check_mode: bool,
) -> dict[str, Any]:
    before = dict(standing.record.checks) if standing.record else {}
    fresh = {
        each.check: {item.key: item.value for item in readings[each.check].items}
        for each in judged
        if each.outcome in t.COMPLETE and each.check != LOGS
    }
    missing = sorted(each.check for each in judged if each.outcome not in t.COMPLETE)
    checks = {**before, **fresh}
    found["not_recorded"] = missing
    if checks == before:
        return {**found, "changed": False, "msg": _told("is as it was", found, missing)}
    serious = [finding for each in judged for finding in each.findings if finding.oddity.severity in _SERIOUS]
    if serious and not wish.why:
        raise IncidentError(
            f"This host is not recorded as well: {len(serious)} findings are high or critical, such as "
            f"{serious[0].oddity.title}.",
            "Look at them (state: scanned). If they belong there, say why: -e reason=…",
            found,
        )
    if before:
        _refuse_without_reason(wish, standing)
    record = baseline.Record(now, wish.who, wish.why, checks)
    found["baseline"] = baseline.Standing(baseline.PRESENT, standing.path, record).to_dict()
    if not check_mode:
        try:
            found["kept"] = baseline.write_baseline(wish.store_dir, record, standing)
        except OSError as error:
            raise IncidentError(f"The baseline cannot be written: {error}.", "The one before is as it was.") from error
    return {
        **found,
        "changed": True,
        "msg": _told("would be recorded" if check_mode else "is recorded", found, missing),
    }


def _told(what: str, found: Mapping[str, Any], missing: list[str]) -> str:
    without = f", without {', '.join(missing)}" if missing else ""
    return f"the baseline {what}{without}; {found['msg']}"


def _sessions(readings: Mapping[str, t.Reading]) -> list[dict[str, Any]]:
    items = readings["logins"].items if "logins" in readings else ()
    return [result.session(item) for item in items if item.facts.get("user")]
