# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind tcp: a port that accepts connections in time."""

from __future__ import annotations

from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._connect import NetworkProblem, connect
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import Latency, TcpTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, WARN, Outcome


def attempt(target: TcpTarget, deadline: float, context: Context) -> Outcome:
    """Connect and hang up."""
    expected = f"{target.address} port {target.port} accepts connections"
    started = context.clock.monotonic()
    try:
        connect(target.address, target.port, deadline=deadline, clock=context.clock).close()
    except NetworkProblem as problem:
        return Outcome(FAIL, problem.reason, problem.message, None, expected)
    return judge_latency(target.latency, context.clock.monotonic() - started, "connected", "connected", expected)


def judge_latency(limits: Latency, seconds: float, message: str, observed: Any, expected: Any) -> Outcome:
    """The outcome of an answer that is good but for, perhaps, the time that it took."""
    for status, limit in ((FAIL, limits.fail), (WARN, limits.warn)):
        if limit is not None and seconds >= limit:
            return Outcome(
                status, reasons.SLOW, f"{message}, after {seconds:.1f}s (limit {limit:g}s)", observed, expected
            )
    return Outcome(PASS, reasons.OK, message, observed, expected)
