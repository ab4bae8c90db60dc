# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the http kind of a probe. Header values and request bodies may hold secrets: no problem ever quotes them."""

from __future__ import annotations

import json
import re
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.fields import (
    Fields,
    Malformed,
    kind_of,
    read_path,
    read_pattern,
    read_timeout,
)
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._probe.exposition import parse_series
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import (
    Condition,
    HttpExpect,
    HttpTarget,
    Latency,
    MetricCondition,
)
from ansible_collections.toombos.incident.plugins.module_utils._url import TOKEN, check_header, split_url
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_bool

_PATH = re.compile(r"[^.\s]+(\.[^.\s]+)*")


def parse_http(fields: Fields) -> HttpTarget:
    """The target of an http probe; problems are noted in ``fields``."""
    headers = parse_headers(fields)
    body = fields.raw("body")
    if isinstance(body, (dict, list)) and "content-type" not in {name.lower() for name, _value in headers}:
        headers += (("Content-Type", "application/json"),)
    verify = fields.one("verify", read_bool)
    return HttpTarget(
        url=fields.one("url", read_url) or "",
        method=fields.one("method", _read_method) or "GET",
        headers=headers,
        body=fields.one("body", _read_body) or b"",
        unix_socket=fields.one("unix_socket", read_path),
        verify=verify if verify is not None else True,
        expect=_parse_expect(fields.inner("expect")),
        latency=read_latency(fields),
    )


def read_latency(fields: Fields, key: str = "latency") -> Latency:
    """The key: {warn: duration, fail: duration}, both optional."""
    inner = fields.inner(key)
    inner.keys(key, (), ("warn", "fail"))
    latency = Latency(inner.one("warn", read_timeout), inner.one("fail", read_timeout))
    if latency.warn is not None and latency.fail is not None and latency.warn > latency.fail:
        inner.note("warn", f"{latency.warn:g}s is above fail ({latency.fail:g}s)")
    return latency


def _parse_expect(fields: Fields) -> HttpExpect:
    fields.keys("expect", (), ("status", "identity", "json", "body", "headers", "health", "metrics", "jmespath"))
    headers = fields.inner("headers")
    patterns = [(str(name).lower(), headers.one(name, read_pattern)) for name, _value in headers.items()]
    return HttpExpect(
        status=fields.many("status", _read_status) or HttpExpect.status,
        identity=_parse_conditions(fields.inner("identity")),
        json=_parse_conditions(fields.inner("json")),
        body=fields.one("body", read_pattern),
        headers=tuple((name, pattern) for name, pattern in patterns if pattern is not None),
        health=bool(fields.one("health", read_bool)),
        metrics=_parse_metrics(fields.inner("metrics")),
        jmespath=_parse_conditions(fields.inner("jmespath"), re.compile(r".+", re.DOTALL)),
    )


def _parse_metrics(fields: Fields) -> tuple[MetricCondition, ...]:
    conditions = []
    for text in [key for key, _bounds in fields.items()]:
        try:
            name, labels, rest = parse_series(str(text))
        except ValueError as error:
            fields.note(text, str(error))
            continue
        inner = fields.inner(text)
        inner.keys("a metric", (), ("min", "max", "equals"))
        bounds = {key: inner.one(key, _read_number) for key in ("min", "max", "equals")}
        if rest.strip() or not any(inner.has(key) for key in bounds):
            fields.note(text, 'must be a metric as name{label="value"} with min, max or equals')
        conditions.append(MetricCondition(str(text), name, tuple(sorted(labels.items())), **bounds))
    return tuple(conditions)


def _read_number(value: Any) -> float:
    try:
        return float(str(value))  # of a truth value this is no number, as it should be
    except ValueError:
        raise Malformed(f"{value!r} is not a number") from None


def _parse_conditions(fields: Fields, form: re.Pattern[str] = _PATH) -> tuple[Condition, ...]:
    conditions = []
    for path, value in fields.items():
        if not form.fullmatch(str(path)):
            fields.note(path, "is no path: keys and list indices joined with dots, for example checks.0.status")
        values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        if not values or any(isinstance(item, (dict, list, tuple)) for item in values):
            fields.note(path, "must be a plain value, or a list of the acceptable plain values")
        conditions.append(Condition(str(path), values))
    return tuple(conditions)


def parse_headers(fields: Fields) -> tuple[tuple[str, str], ...]:
    inner = fields.inner("headers")
    found = []
    for name, value in inner.items():
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            inner.note(name, f"must be text, not {kind_of(value)}")
            continue
        try:
            check_header(str(name), str(value))
        except ValueError as error:
            inner.note("", str(error))
        found.append((str(name), str(value)))
    return tuple(found)


def read_url(value: Any) -> str:
    if not isinstance(value, str):
        raise Malformed(f"must be text, not {kind_of(value)}")
    try:
        split_url(value)
    except ValueError as error:
        raise Malformed(str(error)) from error
    return str(value)


def _read_method(value: Any) -> str:
    if not isinstance(value, str) or not TOKEN.fullmatch(value):
        raise Malformed(f"{value!r} is not an HTTP method")
    return value.upper()


def read_bool(value: Any) -> bool:
    """A truth value as text or as itself."""
    try:
        return parse_bool(value)
    except IncidentError as error:
        raise Malformed(error.message.rstrip(".")) from error


def _read_body(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, (dict, list)):
        return json.dumps(value).encode("utf-8")
    raise Malformed(f"must be text, a mapping or a list (sent as JSON), not {kind_of(value)}")


def _read_status(value: Any) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{3})(?:\s*-\s*(\d{3}))?", str(value).strip())
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 100 <= low <= high <= 599:
        raise Malformed(f"{value!r} is no status, write 200 or 200-299")
    return low, high
