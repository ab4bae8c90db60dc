# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict of a run: what was red and why, what was done, what is green now. A pure function of the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import (
    FAILED,
    HEALTHY,
    REFUSED,
    UNREACHABLE,
    Finding,
    Rollout,
    proven,
)

ALL_HEALTHY = "healthy"
RECOVERED = "recovered"
NOT_RECOVERED = "not_recovered"
PLAN_ONLY = "plan_only"
CHECK_MODE = "check_mode"
TRIAGE = "triage"


@dataclass(frozen=True)
class Row:
    """One line of the table. ``took`` in seconds, None where nothing was done."""

    host: str
    service: str
    was: str
    why: str
    done: str
    now: str
    took: float | None = None


@dataclass(frozen=True)
class FleetVerdict:
    """What a run added up to. ``red`` lists hosts that are not healthy, with one line each; ``next`` what to do now.

    ``overrides``: what brakes were released, and on which host. ``stopped`` says why the gate closed, and which hosts
    were therefore left alone; empty when it did not.
    """

    status: str
    rows: tuple[Row, ...]
    hosts: tuple[str, ...]
    red: Mapping[str, str]
    changed: tuple[str, ...]
    root_causes: tuple[Mapping[str, str], ...]
    next: tuple[str, ...]
    plan_hash: str
    duration: float
    notes: tuple[str, ...] = field(default=())
    stopped: str = ""
    overrides: tuple[str, ...] = ()
    disagreements: tuple[Mapping[str, str], ...] = ()  # between the hosts and what is seen from the controller
    evidence: Mapping[str, Any] = field(
        default_factory=dict
    )  # what was preserved; empty where nothing was to be changed

    @property
    def ok(self) -> bool:
        """Whether the run may end with rc 0."""
        return self.status != NOT_RECOVERED

    def machine(self) -> dict[str, Any]:
        """The machine-readable line's content."""
        return {
            "status": self.status,
            "hosts": len(self.hosts),
            "red": sorted(self.red),
            "changed": sorted(self.changed),
            "overrides": list(self.overrides),
            "root_causes": [
                {key: cause.get(key, "") for key in ("host", "service", "condition", "message")}
                for cause in self.root_causes
            ],
            "disagreements": [dict(each) for each in self.disagreements],
            "evidence": dict(self.evidence),
            "plan_hash": self.plan_hash,
            "duration": round(self.duration, 1),
        }


def judge(
    rollout: Rollout,
    results: Mapping[str, Mapping[str, Any] | None],
    *,
    mode: str,
    gate_reason: str = "",
    duration: float = 0.0,
    overrides: Sequence[str] = (),
) -> FleetVerdict:
    """The verdict. ``results``: registered recoveries by host; ``mode``: recover, plan_only, check_mode or triage.

    A host in the roll-out without a result was not attempted; a host that was assessed healthy needs none.
    """
    final = {finding.host: _final(finding, results.get(finding.host)) for finding in rollout.findings}
    red = {host: message for host, (healthy, message, _result) in final.items() if not healthy}
    if mode == "recover":
        red.update(_not_as_asked({host: result for host, (healthy, _message, result) in final.items() if healthy}))
    changed = tuple(host for host, result in results.items() if result and result.get("changed") and mode == "recover")
    untried = tuple(host for host in rollout.hosts if results.get(host) is None) if mode == "recover" else ()
    rows = [row for finding in rollout.findings for row in _rows(finding, results.get(finding.host), untried)]
    causes = tuple(
        {"host": host, **cause}
        for host, (healthy, _message, result) in final.items()
        if not healthy
        for cause in (result.get("verdict") or {}).get("root_causes", ())
    )
    return FleetVerdict(
        status=_status(mode, rollout, red, changed),
        rows=tuple(rows),
        hosts=tuple(final),
        red=red,
        changed=changed,
        root_causes=causes,
        next=_next_steps(causes, rollout, mode, red, untried),
        plan_hash=rollout.plan_hash,
        duration=duration,
        notes=(
            *_notes(rollout),
            *_flapping({host: result for host, (_good, _words, result) in final.items()}),
            *_rolled_back(results),
        ),
        overrides=(*overrides, *_overrides(results)),
        stopped=f"{gate_reason or 'the run broke off'}. Not attempted: {', '.join(untried)}." if untried else "",
    )


def _status(mode: str, rollout: Rollout, red: Mapping[str, str], changed: Sequence[str]) -> str:
    if mode in (PLAN_ONLY, CHECK_MODE, TRIAGE):
        return ALL_HEALTHY if not red and not rollout.hosts else mode
    if red:
        return NOT_RECOVERED
    return RECOVERED if changed else ALL_HEALTHY


def _final(finding: Finding, result: Mapping[str, Any] | None) -> tuple[bool, str, Mapping[str, Any]]:
    """Healthy at the end or not, one line, and the result that says so: the last one that probes stand behind."""
    if isinstance(result, Mapping) and result.get("unreachable"):
        return False, "became unreachable while it was recovered", finding.result
    if isinstance(result, Mapping) and "verdict" in result:
        return proven(result), _one_line(result.get("msg")), result
    if isinstance(result, Mapping):
        return False, _one_line(result.get("msg")) or "the recovery left no proof", finding.result
    return finding.state == HEALTHY, finding.message, finding.result


def _not_as_asked(healthy: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Hosts on which something healthy was to be restarted by force and was not: nobody may take that for done.

    That a recovery never stops observability is no news.
    """
    found = {}
    for host, result in healthy.items():
        refused = [
            f"{service['name']} ({_one_line(service.get('refusal'))})"
            for service in result.get("services", ())
            if (service.get("condition"), service.get("action")) == (HEALTHY, "refused")
            and service.get("tier") != "observability"
        ]
        if refused:
            found[host] = f"healthy, but not restarted as it was asked to be: {', '.join(refused)}"
    return found


def _rows(finding: Finding, result: Mapping[str, Any] | None, untried: Sequence[str]) -> list[Row]:
    if finding.state in (UNREACHABLE, FAILED):
        return [Row(finding.host, "-", finding.state, finding.message, "nothing", finding.state)]
    healthy, message, last = _final(finding, result)
    treated = isinstance(result, Mapping) and "services" in result
    rows = []
    for service in last.get("services", ()):
        before = service.get("before") or {}
        was = before.get("condition", service.get("condition", ""))
        if was == HEALTHY and service.get("condition") == HEALTHY and service.get("action") == "none":
            continue
        rows.append(
            Row(
                host=finding.host,
                service=service["name"],
                was=was,
                why=_why(before, service),
                done=_done(service, finding, treated, untried),
                now=service.get("condition", ""),
                took=service.get("duration") if treated else None,
            )
        )
    if not healthy and not treated and isinstance(result, Mapping) and result.get("failed"):
        rows.append(Row(finding.host, "-", "failed", message, "nothing", "not healthy"))
    return rows


def _why(before: Mapping[str, str], service: Mapping[str, Any]) -> str:
    if service.get("condition") == HEALTHY or before.get("message") == service.get("message"):
        return _one_line(before.get("message"))
    return _one_line(service.get("refusal") or service.get("message"))


def _done(service: Mapping[str, Any], finding: Finding, treated: bool, untried: Sequence[str]) -> str:
    if treated:
        action = str(service.get("action", "none"))
        attempts = service.get("attempts", 0)
        return f"{action} ({attempts} attempts)" if attempts > 1 else ("nothing" if action == "none" else action)
    if finding.state == REFUSED or service.get("action") == "refused":
        return "refused"
    if finding.host in untried:
        return "not attempted"
    return "nothing"


def _next_steps(
    causes: Sequence[Mapping[str, str]], rollout: Rollout, mode: str, red: Mapping[str, str], untried: Sequence[str]
) -> tuple[str, ...]:
    # Where nothing was tried yet, the plan is the next step, not what helps when it has failed.
    planned = untried if mode == "recover" else rollout.hosts
    steps = [
        f"{cause['host']}/{cause['service']}: {cause['next']}"
        for cause in causes
        if cause.get("next") and cause["host"] not in planned
    ]
    for finding in rollout.findings:
        if finding.state == UNREACHABLE:
            steps.append(f"{finding.host}: unreachable is not healthy. Check its network and ssh, then run again.")
        elif finding.state == FAILED:
            steps.append(f"{finding.host}: {finding.message}")
    if untried:
        steps.append("When that is done, run the same command again for the hosts that were not attempted.")
    if mode in (PLAN_ONLY, CHECK_MODE) and rollout.hosts:
        steps.append("To apply this plan, run the same command without plan=only and --check.")
    elif mode == TRIAGE and red:
        steps.append("To bring this back, run recover.yml; -e plan=only shows the plan first.")
    return tuple(dict.fromkeys(steps))


def _overrides(results: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    return [f"{host}: {what}" for host, result in results.items() if result for what in result.get("overrides", ())]


def _notes(rollout: Rollout) -> tuple[str, ...]:
    """Questions about the hosts themselves with bad answers: they decide nothing, but somebody should know."""
    return tuple(
        f"{finding.host}: {check['probe']}: {_one_line(check.get('message'))} ({check['status']})"
        for finding in rollout.findings
        for check in finding.result.get("host_checks", ())
        if check.get("status") in ("warn", "fail")
    )


def _rolled_back(results: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    """What has become of configurations that were rolled back."""
    return [
        f"{host}: the rollback of {name} to {each.get('to')} "
        f"({'proven ' + each['proven'] if each.get('proven') else 'not proven before'}) is {result.get('outcome')}; "
        f"{each.get('before')} holds what was there before"
        for host, result in results.items()
        if result
        for name, each in (result.get("generations") or {}).items()
    ]


def _flapping(last: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Services that do not stay as they are, also those that are healthy at this moment."""
    return [
        f"{host}: {service['name']} is flapping: {_one_line(service['flapping'])}"
        for host, result in last.items()
        for service in result.get("services", ())
        if service.get("flapping")
    ]


def _one_line(text: Any) -> str:
    return " ".join(str(text or "").split())
