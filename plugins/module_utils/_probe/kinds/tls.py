# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind tls: a port that speaks TLS, with a certificate that is accepted and will be for a while."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._connect import NetworkProblem, connect
from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons
from ansible_collections.toombos.incident.plugins.module_utils._probe.context import Context
from ansible_collections.toombos.incident.plugins.module_utils._probe.targets import Latency, TlsTarget
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, WARN, Outcome
from ansible_collections.toombos.incident.plugins.module_utils._tls import (
    CERT_EXPIRED,
    CERT_NOT_YET_VALID,
    validity,
    wrap_tls,
)

_DAY = 86400.0


def attempt(target: TlsTarget, deadline: float, context: Context) -> Outcome:
    """Shake hands, look at the certificate, hang up."""
    name = target.server_name or target.address
    expected = {"name": name, "verify": target.verify, "days_left": _days(target.expiry)}
    try:
        with connect(target.address, target.port, deadline=deadline, clock=context.clock) as sock:
            ca = target.ca_file
            secured = wrap_tls(sock, name, verify=target.verify, deadline=deadline, clock=context.clock, ca_file=ca)
            with secured:
                certificate, version = secured.getpeercert(True), secured.version()
    except NetworkProblem as problem:
        return Outcome(FAIL, problem.reason, problem.message, None, expected)
    try:
        begin, end = validity(certificate or b"")
    except ValueError as error:
        return Outcome(FAIL, reasons.TLS, f"the certificate cannot be read: {error}", None, expected)
    now = time.time()
    return judge_validity(target.expiry, begin - now, end - now, version or "TLS", expected)


def judge_validity(limits: Latency, ahead: float, left: float, version: str, expected: Any) -> Outcome:
    """Pure. Seconds: ``ahead`` until the certificate begins (negative: it has), ``left`` until it ends."""
    observed = {"version": version, "days_left": round(left / _DAY, 1)}
    if left <= 0:
        message = f"the certificate ended {-left / _DAY:.1f} days ago"
        return Outcome(FAIL, CERT_EXPIRED, message, observed, expected)
    if ahead > 0:
        message = f"the certificate begins in {ahead / _DAY:.1f} days, or a clock is wrong"
        return Outcome(FAIL, CERT_NOT_YET_VALID, message, observed, expected)
    message = f"{version}, the certificate ends in {left / _DAY:.1f} days"
    for status, limit in ((FAIL, limits.fail), (WARN, limits.warn)):
        if limit is not None and left <= limit:
            return Outcome(status, reasons.CERT_ENDS, f"{message} (limit {limit / _DAY:g})", observed, expected)
    return Outcome(PASS, reasons.OK, message, observed, expected)


def _days(limits: Latency) -> dict[str, float]:
    bounds = (("warn", limits.warn), ("fail", limits.fail))
    return {name: round(limit / _DAY, 1) for name, limit in bounds if limit is not None}
