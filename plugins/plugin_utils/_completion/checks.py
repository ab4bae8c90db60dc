# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last word on checks that a host could not judge to their end. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.bodies import judge_jmespath
from ansible_collections.toombos.incident.plugins.module_utils._probe.pending import KEY
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import Condition, HttpTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, WARN, Probe
from ansible_collections.toombos.incident.plugins.module_utils._redact import redact, redact_value

NOWHERE = (
    "jmespath is installed neither on the host nor on the controller: install python3-jmespath on one of them, or use "
    "expect.json"
)
_HIDDEN = "but parts of the body look like secrets and did not leave the host: install python3-jmespath there"

Conditions = Mapping[tuple[str, str], Sequence[Condition]]


def conditions_of(probes: Iterable[Probe]) -> Conditions:
    """(service, probe) → its JMESPath conditions."""
    return {
        (probe.service, probe.name): probe.target.expect.jmespath
        for probe in probes
        if isinstance(probe.target, HttpTarget)
    }


def is_pending(check: Mapping[str, Any]) -> bool:
    """Whether there is something to be judged."""
    return isinstance(check.get("observed"), Mapping) and KEY in check["observed"]


def complete(check: Mapping[str, Any], conditions: Conditions) -> dict[str, Any]:
    """The check with the last word on it, and without the body; one that is not pending as it is."""
    if not is_pending(check):
        return dict(check)
    observed = {key: value for key, value in check["observed"].items() if key != KEY}
    pending, plain = check["observed"][KEY], {**check, "observed": observed}
    if check["status"] not in (PASS, WARN):
        return plain  # it turned red for another reason meanwhile
    found = judge_jmespath(pending["body"], conditions.get((check["service"], check["probe"]), ()))
    if found is None:
        return {**plain, **_good(check, pending["message"])}
    reason, message, seen = found
    if reason == reasons.CANNOT_RUN:
        message = NOWHERE
    elif pending["masked"]:
        # A value that was hidden is not the one that was meant.
        reason, message = reasons.CANNOT_RUN, f"{message}, {_HIDDEN}"
    shown = {"jmespath": redact_value(seen)} if seen else {}
    red = {"status": FAIL, "reason": reason, "message": redact(message), "observed": {**observed, **shown}}
    return {**plain, **red}


def _good(check: Mapping[str, Any], message: str) -> dict[str, str]:
    if not check["message"].startswith(message):
        return {}  # what was said of it since then (it flaps) says more
    return {"message": message, **({"reason": reasons.OK} if check["reason"] == reasons.PENDING else {})}
