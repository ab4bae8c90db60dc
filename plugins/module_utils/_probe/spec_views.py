# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks a probe: the host itself, the controller (what users see), or both. Also the kind that only it can ask."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import (
    Fields,
    Malformed,
    did_you_mean,
    kind_of,
    read_text,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec import (
    HOST_KINDS,
    Kind,
    ProbeSpecError,
    parse_probe,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_http import parse_headers, read_url
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import Probe
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_bool

HOST = "host"
CONTROLLER = "controller"
BOTH = "both"
VIEWS = (HOST, CONTROLLER, BOTH)
PROMETHEUS = "prometheus"

# What can be asked over the network; the others look into the host.
_REMOTE = ("http", "tcp", "tls", "dns")
# What is different from outside; everything else is the same question.
_OVERRIDES = ("url", "address", "port", "headers", "verify")


@dataclass(frozen=True)
class PrometheusExpect:
    """What every sample must be. ``empty``: whether there must be none; None: there must be some."""

    min: float | None = None
    max: float | None = None
    equals: float | None = None
    empty: bool | None = None


@dataclass(frozen=True)
class PrometheusTarget:
    """One instant query. ``url`` is that of the server; ``verify``: certificates are checked."""

    url: str
    query: str
    expect: PrometheusExpect
    headers: tuple[tuple[str, str], ...] = ()
    verify: bool = True


@dataclass(frozen=True)
class Views:
    """One probe as each side asks it; None where that side does not."""

    host: Probe | None
    controller: Probe | None


def parse_views(name: str, raw: Any, *, service: str = "", where: str) -> Views:
    """The probe as the host and as the controller ask it. Raises ProbeSpecError with all problems of the entry."""
    if not isinstance(raw, Mapping):
        return Views(parse_probe(name, raw, service=service, where=where), None)
    problems: list[str] = []
    fields = Fields(raw, where, problems)
    view = fields.one("from", _read_view) or (CONTROLLER if raw.get("kind") == PROMETHEUS else HOST)
    if view != CONTROLLER and raw.get("kind") == PROMETHEUS:
        fields.note("from", f"must be {CONTROLLER}, a host is not asked what Prometheus knows")
    override = fields.inner("controller")
    override.keys("controller", (), _OVERRIDES)
    if view == HOST and fields.has("controller"):
        fields.note("controller", f"says nothing unless from is {CONTROLLER} or {BOTH}")
    question = {key: value for key, value in raw.items() if key not in ("from", "controller")}
    changed = {key: value for key, value in override.items() if key in _OVERRIDES}
    views = Views(
        _parse(name, question, service, where, problems) if view != CONTROLLER else None,
        _parse_outside(name, question, changed, service, where, problems) if view != HOST else None,
    )
    if problems:
        raise ProbeSpecError(list(dict.fromkeys(problems)))
    return views


def _parse(
    name: str,
    raw: Mapping[str, Any],
    service: str,
    where: str,
    problems: list[str],
    kinds: Mapping[str, Kind] | None = None,
) -> Probe | None:
    try:
        return parse_probe(name, raw, service=service, where=where, kinds=kinds)
    except ProbeSpecError as error:
        problems.extend(error.problems)
        return None


def _parse_outside(
    name: str, raw: Mapping[str, Any], changed: Mapping[str, Any], service: str, where: str, problems: list[str]
) -> Probe | None:
    kind = raw.get("kind")
    if kind in HOST_KINDS and kind not in CONTROLLER_KINDS:
        known = ", ".join(CONTROLLER_KINDS)
        problems.append(f"{where}.kind: {kind!r} looks into the host, the controller can ask {known}")
        return None
    if raw.get("unix_socket") is not None:
        problems.append(f"{where}.unix_socket: is on the host, the controller cannot ask it")
    found: list[str] = []
    probe = _parse(name, {**raw, **changed}, service, where, found, CONTROLLER_KINDS)
    problems.extend(_moved(problem, where, changed) for problem in found)
    return probe


def _moved(problem: str, where: str, changed: Mapping[str, Any]) -> str:
    """The problem under the path at which the value is written."""
    rest = problem[len(where) + 1 :] if problem.startswith(f"{where}.") else ""
    return f"{where}.controller.{rest}" if re.split(r"[.:\[]", rest)[0] in changed else problem


def _read_view(value: Any) -> str:
    if value not in VIEWS:
        raise Malformed(f"{value!r} is nobody who asks{did_you_mean(value, VIEWS)}, it is one of {', '.join(VIEWS)}")
    return str(value)


def _parse_prometheus(fields: Fields) -> PrometheusTarget:
    verify = fields.one("verify", _read_bool)
    return PrometheusTarget(
        url=fields.one("url", read_url) or "",
        query=fields.one("query", read_text) or "",
        expect=_parse_expect(fields.inner("expect")),
        headers=parse_headers(fields),
        verify=True if verify is None else verify,
    )


def _parse_expect(fields: Fields) -> PrometheusExpect:
    keys: Sequence[str] = ("min", "max", "equals", "empty")
    fields.keys("expect", (), keys)
    expect = PrometheusExpect(
        min=fields.one("min", _read_number),
        max=fields.one("max", _read_number),
        equals=fields.one("equals", _read_number),
        empty=fields.one("empty", _read_bool),
    )
    bounds = [key for key in keys[:3] if fields.has(key)]
    if not any(fields.has(key) for key in keys):
        fields.note("", f"says nothing: a value is told by {', '.join(keys)}")
    if expect.empty and bounds:
        fields.note("empty", f"contradicts {bounds[0]}: there would be no value to look at")
    if expect.min is not None and expect.max is not None and expect.min > expect.max:
        fields.note("min", f"{expect.min:g} is above max ({expect.max:g})")
    return expect


def _read_number(value: Any) -> float:
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise Malformed(f"{value!r} must be a number")
    return number


def _read_bool(value: Any) -> bool:
    try:
        return parse_bool(value)
    except IncidentError as error:
        raise Malformed(f"must be true or false, not {kind_of(value)}") from error


CONTROLLER_KINDS: Mapping[str, Kind] = {
    **{kind: HOST_KINDS[kind] for kind in _REMOTE if kind in HOST_KINDS},
    PROMETHEUS: (("url", "query", "expect"), ("headers", "verify"), _parse_prometheus),
}
