# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections of the report that tell the facts, each as lines of Markdown; empty where there is nothing to tell."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import Fleet, Host, Pattern, Service
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.finders import pace_of
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.investigation import Investigation
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.markdown import name, table, text
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.side_by_side import epoch

_SIGNATURES = 5  # that are shown of a pattern
_PACE = {"critical": "critical", "slow": "slow", "usual": "above its baseline", "": "ok"}


def services(fleet: Fleet) -> Iterator[str]:
    """System status: every host, and every service that is not healthy."""
    yield from ("", "## System status")
    rows = []
    for host in fleet.hosts:
        if not host.judged or not host.red:
            many = f"{len(host.services)} services" if host.judged else "-"
            rows.append((name(host.name), many, host.state, text(host.message)))
        rows += [(name(host.name), name(each.name), each.condition, _said(each)) for each in host.red]
    yield from table(("host", "service", "condition", "why"), rows)


def latencies(fleet: Fleet) -> Iterator[str]:
    """Answers that are late, by the thresholds; and how many were in time."""
    rows, total = [], 0
    for host in fleet.hosts:
        for check in host.checks:
            if check.latency is None:
                continue
            total += 1
            pace = pace_of(check, fleet.thresholds)
            if pace:
                usual = format_duration(fleet.thresholds.usual(check))
                where = name(f"{check.service}/{check.probe}")
                rows.append((name(host.name), where, f"{check.latency:.3f}s", usual, _PACE[pace]))
    limits = fleet.thresholds
    yield from ("", "## Response times", "")
    yield (
        f"{total - len(rows)} of {total} answers came within their baseline and {limits.tolerated:g} % more. Slow is "
        f"{format_duration(limits.slow)}, critical {format_duration(limits.critical)}."
    )
    yield from table(("host", "check", "took", "baseline", "is"), rows)


def resources(fleet: Fleet) -> Iterator[str]:
    """What was asked about the hosts themselves."""
    rows = [
        (name(host.name), name(check.probe), check.status, text(check.message))
        for host in fleet.hosts
        for check in host.about
        if check.kind not in ("file", "log")
    ]
    if rows:
        yield from ("", "## Resources")
        yield from table(("host", "resource", "status", "measured"), rows)


def ports(fleet: Fleet) -> Iterator[str]:
    """Declared ports, and whether somebody listens."""
    rows = []
    for host in fleet.hosts:
        for each in host.services:
            silent = [str(port) for port in each.ports if port not in each.listening]
            if each.ports:
                held = ", ".join(str(port) for port in each.ports if port in each.listening)
                rows.append((name(host.name), name(each.name), held or "-", ", ".join(silent) or "-"))
    if rows:
        yield from ("", "## Ports")
        yield from table(("host", "service", "listening", "nobody listens"), rows)


def side_by_side(found: Investigation) -> Iterator[str]:
    """Where hosts, or a host and the controller, do not agree."""
    told = [
        f"- {name(each.service)}: "
        + "; ".join(f"{condition} on {', '.join(map(name, hosts))}" for condition, hosts in each.hosts)
        for each in found.differences
    ]
    told += [f"- {name(host.name)}: {text(each.sentence)}" for host in found.fleet.hosts for each in host.disagreements]
    if told:
        yield from ("", "## Where hosts do not agree", "", *told)


def timeline(found: Investigation) -> Iterator[str]:
    """The first errors of the fleet in the part of the logs that was read."""
    if found.events:
        yield from ("", "## First errors")
        rows = [
            (each.time, name(each.host), name(each.service) if each.service else "-", each.pattern, text(each.text))
            for each in found.events
        ]
        yield from table(("time (UTC)", "host", "service", "pattern", "line"), rows)


def changes(found: Investigation) -> Iterator[str]:
    """When the configuration files that were looked at were written, compared with the first error."""
    yield from ("", "## Recent changes")
    rows = []
    for host in found.fleet.hosts:
        first = min(
            (when for when in (epoch(e.time) for e in found.events if e.host == host.name) if when), default=None
        )
        for change in host.changes:
            written = found.asked.now - change.age
            if first is None:
                order = "no error with a time"
            else:
                gap = format_duration(abs(written - first))
                order = f"{gap} {'after' if written > first else 'before'} the first error"
            age = f"{format_duration(max(0.0, change.age))} ago"
            rows.append((name(host.name), name(change.service), name(change.path), age, order))
    if not rows:
        yield from ("", "No configuration file was looked at: declare probes of kind `file` for them.")
    yield from table(("host", "service", "file", "written", "which is"), rows)
    yield from ("", "Deployments are not looked at: no result that an investigation gathers tells of them.")


def logs(fleet: Fleet) -> Iterator[str]:
    """What was found in the logs, by host and pattern."""
    files = sum(host.logs.files for host in fleet.hosts)
    yield from ("", "## Logs", "", f"{files} files were read; patterns that no line matches are left out.")
    yield from table(
        ("host", "pattern", "lines", "first", "last", "in the logs of"),
        [
            (
                name(host.name), each.name, str(each.count), each.first_seen or "-", each.last_seen or "-",
                ", ".join(map(name, each.services)) or "-",
            )
            for host in fleet.hosts
            for each in host.logs.patterns
            if each.count
        ],
    )  # fmt: skip
    for host in fleet.hosts:
        for pattern in host.logs.patterns:
            yield from _kinds_of_lines(host, pattern)


def gaps(fleet: Fleet) -> Iterator[str]:
    """What is not known."""
    told = [f"- {name(host.name)}: not judged, {text(host.message)}" for host in fleet.hosts if not host.judged]
    told += [
        f"- {name(host.name)}: logs, {text(host.logs.problem)}"
        for host in fleet.hosts
        if host.judged and host.logs.problem
    ]
    if told:
        yield from ("", "## What is missing", "", *told)


def _kinds_of_lines(host: Host, pattern: Pattern) -> Iterator[str]:
    if not pattern.count:
        return
    yield from ("", f"### {name(host.name)}: {pattern.name}", "")
    yield from (f"- {count} x {text(line)}" for count, line in pattern.signatures[:_SIGNATURES])
    for sample in pattern.samples:
        yield f"- {name(sample.path)}: {text(sample.text)}"


def _said(service: Service) -> str:
    advice = f" Advice of the host: {text(service.advice)}" if service.advice else ""
    return f"{text(service.message)}.{advice}"
