# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind http: an exchange, judged by status, identity, headers, body and latency, in this order."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.toombos.incident.plugins.module_utils._http import HttpProblem, HttpResponse, request
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.bodies import (
    bounds,
    judge_health,
    judge_jmespath,
    judge_metrics,
)
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.json_path import MISSING, find, same, show
from ansible_collections.toombos.incident.plugins.module_utils._probe.kinds.tcp import judge_latency
from ansible_collections.toombos.incident.plugins.module_utils._probe.pending import deferred
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import Condition, HttpExpect, HttpTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, WARN, Outcome
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact

_EXCERPT = 200
_LOOKED_AT = 4096  # characters of a body that are searched for secrets before it is cut


def attempt(target: HttpTarget, deadline: float, context: Context) -> Outcome:
    """Ask once; ``deadline`` is a value of the clock's ``monotonic``."""
    expected = describe(target.expect)
    started = context.clock.monotonic()
    try:
        response = request(
            target.method,
            target.url,
            headers=dict(target.headers),
            body=target.body,
            deadline=deadline,
            clock=context.clock,
            unix_socket=target.unix_socket,
            verify=target.verify,
        )
    except HttpProblem as problem:
        return Outcome(FAIL, problem.reason, problem.message, None, expected)
    latency = context.clock.monotonic() - started
    answer = _Answer(response)
    warning: _Objection | None = None
    defer = False
    for question in _QUESTIONS:
        objection = question(target.expect, answer)
        if objection is not None and objection.reason == reasons.CANNOT_RUN and context.defers:
            defer = True
        elif objection is not None and objection.status == FAIL:
            observed = {"status": response.status, **objection.observed}
            return Outcome(FAIL, objection.reason, objection.message, observed, expected)
        else:
            warning = warning or objection
    if warning is not None:
        observed = {"status": response.status, **warning.observed}
        outcome = Outcome(WARN, warning.reason, warning.message, observed, expected)
    else:
        said = f"status {response.status}"
        outcome = judge_latency(target.latency, latency, said, {"status": response.status}, expected)
    return deferred(outcome, answer.json) if defer and outcome.status != FAIL else outcome


def describe(expect: HttpExpect) -> dict[str, Any]:
    """What is expected, JSON-ready; only what is declared."""
    described: dict[str, Any] = {
        "status": [str(low) if low == high else f"{low}-{high}" for low, high in expect.status]
    }
    for name, conditions in (("identity", expect.identity), ("json", expect.json), ("jmespath", expect.jmespath)):
        if conditions:
            described[name] = {c.path: c.values[0] if len(c.values) == 1 else list(c.values) for c in conditions}
    if expect.body is not None:
        described["body"] = expect.body
    if expect.headers:
        described["headers"] = dict(expect.headers)
    if expect.health:
        described["health"] = "pass"
    if expect.metrics:
        described["metrics"] = {c.text: bounds(c) for c in expect.metrics}
    return described


class _Answer:
    """The response, with its body as text and as JSON (MISSING when it is none)."""

    def __init__(self, response: HttpResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.truncated = response.truncated
        self.text = response.body.decode("utf-8", "replace")
        self.json = MISSING if response.truncated else _parse(response.body)

    def excerpt(self) -> dict[str, str]:
        # Hidden before it is cut: half a secret is not recognised as one.
        return {"body": redact(self.text[:_LOOKED_AT])[:_EXCERPT]} if self.text else {}


@dataclass(frozen=True)
class _Objection:
    reason: str
    message: str
    observed: Mapping[str, Any]
    status: str = FAIL


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return MISSING


def _proves_another(expect: HttpExpect, answer: _Answer) -> _Objection | None:
    """A foreign process may answer with any status: a body that names another service is proof."""
    return _unmet(
        [c for c in expect.identity if find(answer.json, c.path) is not MISSING], answer, reasons.WRONG_SERVICE
    )


def _bad_status(expect: HttpExpect, answer: _Answer) -> _Objection | None:
    if any(low <= answer.status <= high for low, high in expect.status):
        return None
    observed: dict[str, Any] = answer.excerpt()
    if "location" in answer.headers:
        observed["location"] = answer.headers["location"][:_EXCERPT]
    return _Objection(reasons.BAD_STATUS, f"status {answer.status}", observed)


def _does_not_identify_itself(expect: HttpExpect, answer: _Answer) -> _Objection | None:
    return _unmet(expect.identity, answer, reasons.WRONG_SERVICE)


def _bad_header(expect: HttpExpect, answer: _Answer) -> _Objection | None:
    for name, pattern in expect.headers:
        value = answer.headers.get(name)
        if value is None or not re.search(pattern, value):
            shown = "is missing" if value is None else "is not as expected"
            return _Objection(
                reasons.BAD_HEADER, f"header {name} {shown}", {"headers": {name: value and value[:_EXCERPT]}}
            )
    return None


def _bad_json(expect: HttpExpect, answer: _Answer) -> _Objection | None:
    return _unmet(expect.json, answer, reasons.BAD_BODY)


def _bad_text(expect: HttpExpect, answer: _Answer) -> _Objection | None:
    if expect.body is None or re.search(expect.body, answer.text):
        return None
    return _Objection(reasons.BAD_BODY, "the body is not as expected", answer.excerpt())


def _is_compressed(expect: HttpExpect, answer: _Answer) -> _Objection | None:
    """Nobody asked for that, and unpacking what a stranger has packed is how a few bytes become gigabytes."""
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    asked = expect.identity or expect.json or expect.body or expect.health or expect.metrics or expect.jmespath
    if coding in ("", "identity") or not asked:
        return None
    return _Objection(reasons.BAD_BODY, f"the body is compressed ({coding[:20]}), although that was not asked for", {})


def _reports_ill_health(expect: HttpExpect, answer: _Answer) -> _Objection | None:
    """Before the status code: a report of failure comes with a 5xx, and says more than that."""
    if not expect.health:
        return None
    if answer.json is MISSING:
        return _Objection(reasons.BAD_BODY, "the body is no health report", answer.excerpt())
    status, words = judge_health(answer.json)
    return None if status == PASS else _Objection(reasons.BAD_BODY, words, {}, status)


def _bad_metrics(expect: HttpExpect, answer: _Answer) -> _Objection | None:
    if not expect.metrics:
        return None
    if answer.truncated:
        return _Objection(reasons.BAD_BODY, "the body is too large to be read as metrics", {})
    found = judge_metrics(answer.text, expect.metrics)
    return _Objection(found[0], found[1], {"metrics": found[2]} if found[2] else answer.excerpt()) if found else None


def _bad_expression(expect: HttpExpect, answer: _Answer) -> _Objection | None:
    if not expect.jmespath:
        return None
    if answer.json is MISSING:
        return _unmet(expect.jmespath, answer, reasons.BAD_BODY)
    found = judge_jmespath(answer.json, expect.jmespath)
    return _Objection(found[0], found[1], {"jmespath": found[2]} if found[2] else {}) if found else None


def _unmet(conditions: Sequence[Condition], answer: _Answer, reason: str) -> _Objection | None:
    for condition in conditions:
        if answer.json is MISSING:
            what = "is too large to be read as JSON" if answer.truncated else "is not JSON"
            return _Objection(reason, f"the body {what}", answer.excerpt())
        value = find(answer.json, condition.path)
        if value is MISSING:
            return _Objection(reason, f"the body has no {condition.path}", answer.excerpt())
        if not any(same(value, accepted) for accepted in condition.values):
            wanted = " or ".join(json.dumps(accepted) for accepted in condition.values)
            shown = show(value)
            message = f"{condition.path} is {json.dumps(shown)}, not {wanted}"
            return _Objection(reason, message, {"json": {condition.path: shown}})
    return None


_Question = Callable[[HttpExpect, _Answer], "_Objection | None"]
_QUESTIONS: Sequence[_Question] = (
    _is_compressed,
    _proves_another,
    _reports_ill_health,
    _bad_status,
    _does_not_identify_itself,
    _bad_header,
    _bad_json,
    _bad_text,
    _bad_metrics,
    _bad_expression,
)
