# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storm brake: when much of a fleet is red at once, the cause is probably not on the hosts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import HEALTHY, UNREACHABLE, Finding


def storm(findings: Sequence[Finding], max_unhealthy: str, least_hosts: int) -> str:
    """Why a common cause is suspected, and which; empty when there is no storm.

    ``max_unhealthy``: the percentage of red hosts that is still normal; fleets below ``least_hosts`` are not judged.
    """
    red = [finding for finding in findings if finding.state != HEALTHY]
    if len(findings) < least_hosts or len(red) * 100 <= len(findings) * int(max_unhealthy.rstrip("%")):
        return ""
    return (
        f"{len(red)} of {len(findings)} hosts are red at the same time (more than {max_unhealthy}). That looks like one"
        f" common cause, which restarts would not mend: {shared(red)}. Look there first. To restart all the same: -e"
        " break_glass=true -e \"reason='why and who'\"."
    )


def shared(red: Sequence[Finding]) -> str:
    """What most of the red hosts have in common, in words."""
    unreachable = sum(finding.state == UNREACHABLE for finding in red)
    if unreachable * 2 > len(red):
        return f"{unreachable} of them cannot be reached, so it may be the network between here and them"
    causes: Counter[tuple[str, str]] = Counter()
    said: dict[tuple[str, str], str] = {}
    for finding in red:
        for cause in (finding.result.get("verdict") or {}).get("root_causes", ()):
            key = (str(cause.get("service", "")), str(cause.get("condition", "")))
            causes[key] += 1
            said.setdefault(key, " ".join(str(cause.get("message", "")).split()))
    if not causes:
        return "what they share is not known"
    (service, condition), count = causes.most_common(1)[0]
    if count * 2 <= len(red):
        return f"at most {count} of them share a root cause ({service}: {condition})"
    return f"{count} of them share the root cause {service}: {condition} ({said[(service, condition)][:160]})"
