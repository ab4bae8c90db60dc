# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads results of modules as facts. What is missing or malformed is a fact, too, and never an exception."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.types import Catalogue
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import UNKNOWN, Check
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach import NOT_ASKED, Breach
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import (
    Host,
    Logs,
    Pattern,
    Sample,
    Service,
    Thresholds,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._printable import printable
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import classify
from ansible_collections.toombos.incident.plugins.plugin_utils._views import compare

_LONGEST = 400  # characters of a text from a host

Result = Mapping[str, Any]


def clean(value: Any, longest: int = _LONGEST) -> str:
    """One line without characters that would do something to a terminal."""
    text = " ".join(printable(str(value if value is not None else "")).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def read_thresholds(raw: Result) -> Thresholds:
    """Of ``slow``, ``critical``, ``baseline``, ``recent`` (durations), ``tolerated`` (percent), ``baselines``.

    Raises IncidentError.
    """
    known = Thresholds.__dataclass_fields__
    unknown = [str(key) for key in raw if key not in known]
    if unknown:
        raise IncidentError(f"There is no threshold {unknown[0]}.", f"Known are {', '.join(known)}.")
    read: dict[str, Any] = {
        key: parse_duration(raw[key]) for key in ("slow", "critical", "baseline", "recent") if key in raw
    }
    if "tolerated" in raw:
        read["tolerated"] = _number(raw["tolerated"])
    read["baselines"] = {str(name): parse_duration(value) for name, value in (raw.get("baselines") or {}).items()}
    return Thresholds(**read)


def read_host(
    name: str,
    assessment: Result | None,
    scan: Result | None,
    catalogue: Catalogue | None,
    outside: Sequence[Result] = (),
    breach: Breach = NOT_ASKED,
) -> Host:
    """One host. ``assessment`` and ``scan``: what the two modules registered there, None where they never ran."""
    finding = classify(name, _well_formed(assessment))
    result = finding.result
    return Host(
        name=name,
        state=finding.state,
        message=clean(finding.message),
        services=tuple(_service(each, catalogue) for each in _mappings(result.get("services"))),
        about=tuple(map(read_check, _mappings(result.get("host_checks")))),
        logs=read_logs(scan),
        outside=tuple(map(read_check, outside)),
        disagreements=tuple(compare(name, result, outside)),
        breach=breach,
    )


def read_check(raw: Result) -> Check:
    """A check whose texts are clean."""
    latency = raw.get("latency")
    return Check(
        service=clean(raw.get("service")),
        probe=clean(raw.get("probe")),
        kind=clean(raw.get("kind")),
        status=clean(raw.get("status")) or UNKNOWN,
        reason=clean(raw.get("reason")),
        message=clean(raw.get("message")),
        observed=raw.get("observed"),
        latency=float(latency) if isinstance(latency, (int, float)) else None,
    )


def read_logs(scan: Result | None) -> Logs:
    """The result of ``log_scan``, or the lack of one."""
    if not isinstance(scan, Mapping) or scan.get("skipped"):
        return Logs(problem="the logs were not read")
    if scan.get("unreachable") or scan.get("failed") or "patterns" not in scan:
        return Logs(problem=clean(scan.get("msg")) or "the logs could not be read")
    owners = {str(each.get("path")): clean(each.get("service")) for each in _mappings(scan.get("files"))}
    patterns = [_pattern(name, found, owners) for name, found in scan["patterns"].items() if isinstance(found, Mapping)]
    left_out = [f"{clean(each.get('path'))}: {clean(each.get('reason'))}" for each in _mappings(scan.get("left_out"))]
    unread = [f"{clean(path)}: no time" for path in scan.get("unread") or ()]
    return Logs(tuple(patterns), len(owners), clean("; ".join([*left_out, *unread])))


def _pattern(name: Any, found: Result, owners: Mapping[str, str]) -> Pattern:
    samples = [
        Sample(
            path=clean(each.get("path")),
            service=owners.get(str(each.get("path")), ""),
            time=clean(each.get("time")),
            text=clean(each.get("text")),
        )
        for each in _mappings(found.get("samples"))
    ]
    services = dict.fromkeys(owners.get(str(path), "") for path in found.get("files") or ())
    return Pattern(
        name=clean(name),
        count=_count(found.get("count")),
        first_seen=clean(found.get("first_seen")),
        last_seen=clean(found.get("last_seen")),
        signatures=tuple(
            (_count(each.get("count")), clean(each.get("text"))) for each in _mappings(found.get("signatures"))
        ),
        samples=tuple(samples),
        services=tuple(filter(None, services)),
    )


def _service(raw: Result, catalogue: Catalogue | None) -> Service:
    name = clean(raw.get("name"))
    declared = catalogue.services.get(name) if catalogue else None
    found = Service(
        name=name,
        condition=clean(raw.get("condition")),
        message=clean(raw.get("message")),
        advice=clean(raw.get("next")),
        tier=clean(raw.get("tier")) or Service.tier,
        flapping=clean(raw.get("flapping")),
        checks=tuple(map(read_check, _mappings(raw.get("checks")))),
        listening=tuple(sorted({_count(each.get("port")) for each in _mappings(raw.get("listeners"))})),
    )
    if catalogue is None or declared is None:
        return found
    return Service(
        **{
            **found.__dict__,
            "ports": declared.ports,
            "needs": catalogue.dependencies(name),
            "config_files": declared.config.files,
            "validated": bool(declared.config.validate),
            "declared": True,
        }
    )


def _well_formed(assessment: Any) -> Result | None:
    """The assessment with lists where lists should be; None where it is none at all."""
    if not isinstance(assessment, Mapping):
        return None
    found = {**assessment, "plan": [each for each in _mappings(assessment.get("plan")) if "step" in each]}
    found["services"] = [
        {**each, "checks": _mappings(each.get("checks"))} for each in _mappings(assessment.get("services"))
    ]
    if not isinstance(assessment.get("verdict", {}), Mapping):
        found["failed"] = True
    return found


def _mappings(value: Any) -> list[Result]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, (list, tuple)) else []


def _count(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


def _number(value: Any) -> float:
    try:
        return float(str(value).rstrip("% "))
    except ValueError as error:
        raise IncidentError(f"tolerated: {value!r} is no percentage.", "Write for example 50.") from error
