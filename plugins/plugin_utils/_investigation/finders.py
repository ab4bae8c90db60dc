# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be looked for in the facts of a host. Each maker returns a finder: (host, fleet) → the evidence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons as r
from ansible_collections.toombos.incident.plugins.module_utils._probe.spec_views import PROMETHEUS
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, PASS, Check
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.module_utils._values import format_duration
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import (
    GOOD,
    Fleet,
    Host,
    Service,
    Thresholds,
)
from ansible_collections.toombos.incident.plugins.plugin_utils._rollout import HEALTHY, UNREACHABLE

# Conditions in which a service does not run as it should be started.
NOT_STARTED = (
    t.DOWN, t.FAILED, t.CRASH_LOOP, t.ZOMBIE, t.MANAGER_GONE, t.FOREIGN, t.DELETED, t.BAD_CONFIG,
)  # fmt: skip
# Those that are found after the validator was asked, so that it has accepted the configuration.
_AFTER_THE_VALIDATOR = (t.DOWN, t.FAILED, t.CRASH_LOOP, t.ZOMBIE, t.FAILING, t.HUNG, t.WORKER_DEAD, t.BLOCKED)
_FEW_HOSTS = 3  # in a smaller fleet nothing follows from one host being the odd one


@dataclass(frozen=True)
class Evidence:
    """One fact behind a sign. ``service`` is empty where it is about the host; ``what``: where it was seen."""

    host: str
    service: str
    what: str
    text: str

    def to_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return dict(self.__dict__)


Finder = Callable[[Host, Fleet], Iterable[Evidence]]


def breached(*severities: str) -> Finder:
    """What a search for signs of a breach has found of these severities, with what holds it."""

    def find(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
        for each in host.breach.of(*severities):
            held = f" (see {', '.join(each.supports)})" if each.supports else ""
            yield Evidence(host.name, "", f"ioc_scan {each.check}", f"{each.title}: {each.detail}{held}")

    return find


def condition(*words: str, ours_only: bool = False) -> Finder:
    """Services in one of these conditions. ``ours_only``: not those that stand for somebody else's."""

    def find(host: Host, fleet: Fleet) -> Iterator[Evidence]:
        for service in host.red:
            if service.condition in words and not (ours_only and service.name in fleet.external):
                yield _about(host, service)

    return find


def reason(*words: str) -> Finder:
    """Checks of services or of the host itself that are not good for one of these reasons."""

    def find(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
        for check in (*host.checks, *host.about, *host.outside):
            if check.reason in words and check.status != PASS:
                yield _seen(host, check)

    return find


def answers_after(pace: str) -> Finder:
    """Services of our own that answer, but late. ``pace``: ``critical``, ``slow`` or ``usual``; the worst one counts.

    What runs into its timeout does not answer, and what waits for another service has its reason.
    """

    def find(host: Host, fleet: Fleet) -> Iterator[Evidence]:
        for service in host.services:
            if service.condition in (t.BLOCKED, t.HUNG) or service.name in fleet.external:
                continue
            for check in service.checks:
                answered = check.status in GOOD or check.reason == r.SLOW
                if answered and pace_of(check, fleet.thresholds) == pace:
                    usual = format_duration(fleet.thresholds.usual(check))
                    took = f"{check.latency:.2f}s" if check.latency is not None else check.message
                    yield Evidence(host.name, service.name, f"check {check.probe}", f"answers after {took} ({usual})")

    return find


def pace_of(check: Check, thresholds: Thresholds) -> str:
    """``critical``, ``slow``, ``usual`` (above its baseline) or empty."""
    took = check.latency or 0.0
    if took >= thresholds.critical:
        return "critical"
    if took >= thresholds.slow or check.reason == r.SLOW:
        return "slow"
    return "usual" if thresholds.above_usual(check) else ""


def resource(*kinds: str, status: str) -> Finder:
    """Questions of these kinds about the host itself that have this status."""

    def find(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
        for check in host.about:
            if check.kind in kinds and check.status == status and check.reason == r.OVER_LIMIT:
                yield _seen(host, check)

    return find


def nothing_used_up(*kinds: str) -> Finder:
    """All resources that were asked about are below their limits."""

    def find(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
        asked = [check for check in host.about if check.kind in kinds]
        if asked and all(check.status == PASS for check in asked):
            names = ", ".join(check.probe for check in asked)
            yield Evidence(host.name, "", "resources", f"all below their limits: {names}")

    return find


def no_room_to_start(*kinds: str) -> Finder:
    """A resource is used up on a host on which something does not start."""

    def find(host: Host, fleet: Fleet) -> Iterable[Evidence]:
        stopped = any(service.condition in NOT_STARTED for service in host.red)
        return resource(*kinds, status=FAIL)(host, fleet) if stopped else ()

    return find


def in_logs(*patterns: str) -> Finder:
    """Log lines that match one of these patterns."""

    def find(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
        for found in host.logs.named(*patterns):
            text = found.signatures[0][1] if found.signatures else (found.samples[0].text if found.samples else "")
            last = f", last {found.last_seen}" if found.last_seen else ""
            yield Evidence(
                host.name, ", ".join(found.services), f"log {found.name}", f"{found.count} lines{last}: {text}"
            )

    return find


def unreachable(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
    """Ansible could not reach the host."""
    if host.state == UNREACHABLE:
        yield Evidence(host.name, "", "connection", host.message)


def most_are_unreachable(host: Host, fleet: Fleet) -> Iterator[Evidence]:
    """So are most of the others."""
    gone = [each for each in fleet.hosts if each.state == UNREACHABLE]
    if host.state == UNREACHABLE and len(gone) >= 2 and len(gone) * 2 > len(fleet.hosts):
        yield Evidence(host.name, "", "connection", f"{len(gone)} of {len(fleet.hosts)} hosts cannot be reached")


def cut_off(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
    """Well on the host, red from the controller."""
    for each in host.disagreements:
        if each.cut_off and each.kind != PROMETHEUS:
            yield Evidence(host.name, each.service, f"check {each.probe} from the controller", each.message)


def measured_from_outside(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
    """A query of Prometheus is over its limit."""
    for check in host.outside:
        if check.kind == PROMETHEUS and check.status == FAIL and check.reason == r.OVER_LIMIT:
            yield _seen(host, check)


def seen_well_from_outside(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
    """Everything that the controller asked of the host was answered well."""
    asked = [check for check in host.outside if check.kind != PROMETHEUS]
    if asked and all(check.status in GOOD for check in asked):
        yield Evidence(host.name, "", "controller", f"all {len(asked)} checks from the controller pass")


def external_red(host: Host, fleet: Fleet) -> Iterator[Evidence]:
    """A service that stands for somebody else's is not healthy."""
    yield from (_about(host, service) for service in host.red if service.name in fleet.external)


def externals_fine(host: Host, fleet: Fleet) -> Iterator[Evidence]:
    """All services that stand for somebody else's are healthy."""
    found = [service for service in host.services if service.name in fleet.external]
    if found and all(service.healthy for service in found):
        yield Evidence(host.name, "", "services", f"healthy: {', '.join(service.name for service in found)}")


def waits(host: Host, fleet: Fleet) -> Iterator[Evidence]:
    """A service lives and fails while a dependency (an external one, where those are declared) is red."""
    red = {service.name for service in host.red if not fleet.external or service.name in fleet.external}
    for service in host.red:
        if service.condition == t.BLOCKED and service.needs & red:
            yield _about(host, service)


def configuration_unreadable(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
    """A declared configuration file is missing, may not be read, or is emptier than it should be."""
    declared = {path: service.name for service in host.services for path in service.config_files}
    for check in host.about:
        if check.kind == "file" and check.reason in (r.MISSING, r.DENIED, r.WRONG_SIZE):
            for path, name in declared.items():
                if check.message.startswith((f"{path}:", f"{path} ")):
                    yield Evidence(host.name, name, f"check {check.probe}", check.message)


def configuration_changed(host: Host, fleet: Fleet) -> Iterator[Evidence]:
    """A configuration file was written lately."""
    for change in host.changes:
        if change.age < fleet.thresholds.recent:
            when = format_duration(max(0.0, change.age))
            yield Evidence(host.name, change.service, "file", f"{change.path} was written {when} ago")


def configuration_accepted(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
    """The validator of a red service was asked, and had no objection."""
    for service in host.red:
        if service.validated and service.condition in _AFTER_THE_VALIDATOR:
            yield Evidence(host.name, service.name, "validator", "accepts the configuration")


def everything_runs(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
    """What is red runs all the same."""
    if host.red and not any(service.condition in (*NOT_STARTED, t.ORPHAN, t.SPLIT_BRAIN) for service in host.red):
        names = ", ".join(service.name for service in host.red)
        yield Evidence(host.name, "", "services", f"all of it runs, also what is red: {names}")


def flapping(host: Host, _fleet: Fleet) -> Iterator[Evidence]:
    """A service does not stay as it is."""
    for service in host.services:
        if service.flapping:
            yield Evidence(host.name, service.name, "history", service.flapping)


def only_here(host: Host, fleet: Fleet) -> Iterator[Evidence]:
    """All other hosts of the fleet are healthy."""
    others = [each for each in fleet.hosts if each.name != host.name]
    if len(fleet.hosts) >= _FEW_HOSTS and host.state != HEALTHY and all(each.state == HEALTHY for each in others):
        yield Evidence(host.name, "", "fleet", f"the other {len(others)} hosts are healthy")


def everywhere(host: Host, fleet: Fleet) -> Iterator[Evidence]:
    """The same service is in the same condition on every host that could be judged."""
    judged = fleet.judged
    if len(judged) < _FEW_HOSTS:
        return
    for service in host.red:
        if all((service.name, service.condition) in _red(each) for each in judged):
            text = f"is {service.condition} on all {len(judged)} hosts that could be judged"
            yield Evidence(host.name, service.name, "fleet", text)


def _red(host: Host) -> set[tuple[str, str]]:
    return {(service.name, service.condition) for service in host.red}


def _about(host: Host, service: Service) -> Evidence:
    return Evidence(host.name, service.name, "condition", f"is {service.condition}: {service.message}")


def _seen(host: Host, check: Check) -> Evidence:
    return Evidence(host.name, check.service, f"check {check.probe}", f"{check.reason}: {check.message}")
