# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind prometheus: one instant query from the controller, judged sample by sample."""

from __future__ import annotations

import json
import math
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._bounded import Overdue, call_by
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._connect import explain
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_views import (
    PrometheusExpect,
    PrometheusTarget,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, Outcome

_PATH = "/api/v1/query"
_LARGEST = 4 << 20  # bytes of an answer
_SHOWN = 5  # samples in a result


class _Problem(Exception):
    """There is no answer that could be judged."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(message)


def attempt(target: PrometheusTarget, deadline: float, context: Context) -> Outcome:
    """Ask once; ``deadline`` is a value of the clock's ``monotonic``. Headers never reach the outcome."""
    expected = {key: value for key, value in target.expect.__dict__.items() if value is not None}
    try:
        status, body = call_by(deadline, context.clock, lambda: _fetch(target, deadline, context.clock))
        samples = _samples(status, body)
    except Overdue:
        return Outcome(FAIL, reasons.TIMEOUT, "Prometheus did not answer in time", None, expected)
    except _Problem as problem:
        return Outcome(FAIL, problem.reason, problem.message, None, expected)
    return judge(target.expect, samples, expected)


def judge(expect: PrometheusExpect, samples: list[tuple[str, float]], expected: Mapping[str, Any]) -> Outcome:
    """The outcome of an answer. ``samples``: (labels, value)."""
    observed = {"samples": len(samples), "values": {labels: _shown(value) for labels, value in samples[:_SHOWN]}}
    if expect.empty:
        if samples:
            message = f"{len(samples)} samples where none should be: {samples[0][0]}"
            return Outcome(FAIL, reasons.OVER_LIMIT, message, observed, expected)
        return Outcome(PASS, reasons.OK, "no sample, as expected", observed, expected)
    if not samples:
        return Outcome(FAIL, reasons.MISSING, "the query finds nothing", observed, expected)
    for labels, value in samples:
        objection = _objection(expect, value)
        if objection:
            return Outcome(FAIL, reasons.OVER_LIMIT, f"{labels} is {_shown(value)}, {objection}", observed, expected)
    return Outcome(PASS, reasons.OK, f"{len(samples)} samples as expected", observed, expected)


def _objection(expect: PrometheusExpect, value: float) -> str:
    if math.isnan(value) and (expect.min, expect.max, expect.equals) != (None, None, None):
        return "not a number"
    if expect.equals is not None and value != expect.equals:
        return f"not {expect.equals:g}"
    if expect.min is not None and value < expect.min:
        return f"below {expect.min:g}"
    if expect.max is not None and value > expect.max:
        return f"above {expect.max:g}"
    return ""


def _fetch(target: PrometheusTarget, deadline: float, clock: Clock) -> tuple[int, bytes]:
    try:
        import requests
    except ImportError:
        message = "the Python of the controller has no requests, which this kind of probe needs"
        raise _Problem(reasons.CANNOT_RUN, message) from None
    left = max(0.001, deadline - clock.monotonic())
    url = target.url.rstrip("/")
    try:
        with requests.Session() as session:
            # Neither a proxy nor a password of whoever runs this: the answer must not depend on the person.
            session.trust_env = False
            with session.get(
                url if url.endswith(_PATH) else url + _PATH,
                params={"query": target.query},
                headers=dict(target.headers),
                timeout=left,
                verify=target.verify,
                allow_redirects=False,
                stream=True,
            ) as response:
                return response.status_code, _read(response)
    except (requests.RequestException, OSError) as error:
        raise _explain(error, target) from error


def _read(response: Any) -> bytes:
    body = b""
    for piece in response.iter_content(65536):
        body += piece
        if len(body) > _LARGEST:
            raise _Problem(reasons.TOO_LARGE, f"the answer is longer than {_LARGEST} bytes")
    return body


def _explain(error: BaseException, target: PrometheusTarget) -> _Problem:
    """In our own words: those of the library quote the whole request."""
    doing = f"asking {target.url}"
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return _Problem(reasons.TLS, f"{cause.reason or 'the TLS handshake failed'}: {doing}")
        if isinstance(cause, socket.gaierror):
            return _Problem(reasons.DNS, f"the name is not known: {doing}")
        if isinstance(cause, TimeoutError) or "Timeout" in type(cause).__name__:
            return _Problem(reasons.TIMEOUT, f"timed out: {doing}")
        if isinstance(cause, OSError) and cause.errno:
            problem = explain(cause, doing)
            return _Problem(problem.reason, problem.message)
    name = type(error).__name__
    incomplete = "Chunked" in name or "Incomplete" in name or "Decod" in name
    return _Problem(reasons.INCOMPLETE if incomplete else reasons.NOT_HTTP, f"{name}: {doing}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what is below it, the innermost first."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.append(current)
            below = [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]
            waiting += [each for each in below if isinstance(each, BaseException)]
    return reversed(found)


def _samples(status: int, body: bytes) -> list[tuple[str, float]]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        reason = reasons.BAD_BODY if status == 200 else reasons.BAD_STATUS
        raise _Problem(reason, f"status {status}, and the body is not JSON") from None
    if not isinstance(answer, Mapping) or answer.get("status") != "success" or status != 200:
        said = answer.get("error") if isinstance(answer, Mapping) else None
        raise _Problem(reasons.BAD_STATUS, f"status {status}: {said or 'no reason given'}")
    try:
        data = answer["data"]
        return _READERS[data["resultType"]](data["result"])
    except KeyError as error:
        kinds = " and ".join(_READERS)
        raise _Problem(reasons.BAD_BODY, f"the answer is neither {kinds}: {error}") from None
    except (AttributeError, TypeError, ValueError, IndexError):
        raise _Problem(reasons.BAD_BODY, "the answer is not one of Prometheus") from None


def _vector(result: Any) -> list[tuple[str, float]]:
    return [(_series(sample["metric"]), float(sample["value"][1])) for sample in result]


def _scalar(result: Any) -> list[tuple[str, float]]:
    return [("the value", float(result[1]))]


def _series(metric: Mapping[str, str]) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in metric.items() if name != "__name__")
    return f"{metric.get('__name__', '')}{{{labels}}}" if metric else "the value"


def _shown(value: float) -> str:
    return f"{value:g}"


_READERS = {"vector": _vector, "scalar": _scalar}
