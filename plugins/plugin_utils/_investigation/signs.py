# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signs and what each is worth, as data: the whole knowledge of the ranking is this table.

Points speak for a pattern, negative ones against it. A sign counts once per host, however often it is seen: a log in
which somebody writes the same line a million times says no more than one line does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.toombos.incident.plugins.module_utils._probe import reasons as r
from ansible_collections.toombos.incident.plugins.module_utils._probe.types import FAIL, WARN
from ansible_collections.toombos.incident.plugins.module_utils._recovery import types as t
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation import finders as f
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.breach import CRITICAL, HIGH

STARTUP = "service_startup"
PERFORMANCE = "performance"
NETWORK = "network"
CONFIGURATION = "configuration"
EXTERNAL = "external_dependency"
BREACH = "security_breach"

# What can be used up for good; a busy processor alone harms nobody.
_SPACE = ("disk", "memory", "swap", "open_files")
_WORK = ("cpu", "load")


@dataclass(frozen=True)
class Sign:
    """``says``: what it means, to be read after the names of the hosts. ``points``: pattern → what it is worth.

    ``alarm``: a host that shows it is affected, also when all its services count as healthy. ``hearsay``: only a log
    says so. Whoever can write to a log can say anything there, so that hearsay never carries a hypothesis on a healthy
    host, and never ranks before one that probes stand behind.
    """

    name: str
    says: str
    points: Mapping[str, int]
    find: f.Finder
    alarm: bool = False
    hearsay: bool = False


SIGNS = (
    # What does not start, and why.
    Sign("crash_loop", "a service dies soon after every start", {STARTUP: 4}, f.condition(t.CRASH_LOOP)),
    Sign("gave_up", "a manager has given up starting a service", {STARTUP: 4}, f.condition(t.FAILED)),
    Sign(
        "port_taken", "another process holds a service's port", {STARTUP: 4, CONFIGURATION: 2}, f.condition(t.FOREIGN)
    ),
    Sign("program_gone", "what a service runs on is not there", {STARTUP: 4}, f.condition(t.DELETED)),
    Sign("not_running", "a service does not run", {STARTUP: 2}, f.condition(t.DOWN, t.ZOMBIE)),
    Sign("manager_gone", "what starts a service does not answer", {STARTUP: 2}, f.condition(t.MANAGER_GONE)),
    Sign(
        "started_elsewhere",
        "a service runs outside its manager, or twice",
        {STARTUP: 2, CONFIGURATION: 1},
        f.condition(t.ORPHAN, t.SPLIT_BRAIN),
    ),
    Sign(
        "no_room_to_start",
        "a resource is used up where something does not start",
        {STARTUP: 2},
        f.no_room_to_start(*_SPACE),
    ),
    Sign("does_not_stay", "a service does not stay as it is", {STARTUP: 1}, f.flapping),
    Sign("everything_runs", "what is red runs all the same", {STARTUP: -2}, f.everything_runs),
    # What is set wrongly.
    Sign(
        "configuration_rejected",
        "a service's own validator rejects its configuration",
        {CONFIGURATION: 6, STARTUP: 2},
        f.condition(t.BAD_CONFIG),
    ),
    Sign(
        "wrong_service",
        "another service answers in a service's place",
        {CONFIGURATION: 4},
        f.condition(t.WRONG_SERVICE),
    ),
    Sign(
        "configuration_unreadable",
        "a configuration file is missing, empty or may not be read",
        {CONFIGURATION: 3},
        f.configuration_unreadable,
    ),
    Sign("wrong_user", "a service runs as another user", {CONFIGURATION: 3, STARTUP: 1}, f.condition(t.WRONG_USER)),
    Sign(
        "bad_certificate",
        "a certificate is not accepted, or none is spoken",
        {CONFIGURATION: 3},
        f.reason(r.CERT_EXPIRED, r.CERT_NOT_YET_VALID, r.CERT_WRONG_NAME, r.CERT_UNTRUSTED, r.TLS, r.NOT_TLS),
        alarm=True,
    ),
    Sign(
        "configuration_changed", "a configuration file was written lately", {CONFIGURATION: 1}, f.configuration_changed
    ),
    Sign(
        "configuration_accepted",
        "the validator of what is red accepts its configuration",
        {CONFIGURATION: -2},
        f.configuration_accepted,
    ),
    # What is slow or used up.
    Sign(
        "very_slow",
        "answers take longer than the critical time",
        {PERFORMANCE: 5},
        f.answers_after("critical"),
        alarm=True,
    ),
    Sign("slow", "answers take longer than the tolerable time", {PERFORMANCE: 4}, f.answers_after("slow"), alarm=True),
    Sign("slower_than_usual", "answers take longer than their baseline", {PERFORMANCE: 1}, f.answers_after("usual")),
    Sign("silent", "a service runs and does not answer in time", {PERFORMANCE: 4}, f.condition(t.HUNG, ours_only=True)),
    Sign(
        "too_few_workers",
        "workers of a service are missing or dead",
        {PERFORMANCE: 3, STARTUP: 1},
        f.condition(t.WORKER_DEAD, t.DEGRADED, ours_only=True),
    ),
    Sign(
        "used_up", "a resource of the host is used up", {PERFORMANCE: 3}, f.resource(*_SPACE, status=FAIL), alarm=True
    ),
    Sign(
        "nearly_used_up", "a resource of the host is nearly used up", {PERFORMANCE: 1}, f.resource(*_SPACE, status=WARN)
    ),
    Sign("busy", "the processors of the host are busy", {PERFORMANCE: 1}, f.resource(*_WORK, status=FAIL)),
    Sign("over_limit", "a measured value is over its limit", {PERFORMANCE: 2}, f.measured_from_outside, alarm=True),
    Sign(
        "resources_fine", "all resources are below their limits", {PERFORMANCE: -1}, f.nothing_used_up(*_SPACE, *_WORK)
    ),
    # What does not come through.
    Sign("unreachable", "the host cannot be reached", {NETWORK: 3}, f.unreachable),
    Sign("most_unreachable", "most of the fleet cannot be reached", {NETWORK: 2}, f.most_are_unreachable),
    Sign("cut_off", "a service is well on its host and red from the controller", {NETWORK: 4}, f.cut_off, alarm=True),
    Sign(
        "no_names",
        "names are not resolved",
        {NETWORK: 4},
        f.reason(r.DNS, r.NXDOMAIN, r.NO_DATA, r.BAD_RCODE),
        alarm=True,
    ),
    Sign("no_route", "there is no way to an address", {NETWORK: 4}, f.reason(r.UNREACHABLE), alarm=True),
    Sign("broken_off", "connections are broken off", {NETWORK: 2}, f.reason(r.RESET)),
    Sign("seen_well", "the controller is answered well", {NETWORK: -2}, f.seen_well_from_outside),
    # What others owe us.
    Sign("external_red", "a service that stands for somebody else's is not healthy", {EXTERNAL: 3}, f.external_red),
    Sign("waits", "a service fails while something that it needs is red", {EXTERNAL: 3}, f.waits),
    Sign("everywhere", "all hosts show the same", {EXTERNAL: 1}, f.everywhere),
    Sign("external_fine", "what stands for others' services is healthy", {EXTERNAL: -2}, f.externals_fine),
    Sign("only_here", "all other hosts are healthy", {EXTERNAL: -1, NETWORK: -1}, f.only_here),
    # What an intruder has left: who finds that must not go on with a restart, which would destroy it.
    Sign("breached", "a critical sign of a breach was found", {BREACH: 12}, f.breached(CRITICAL), alarm=True),
    Sign("suspect", "a sign of a breach of high severity was found", {BREACH: 3}, f.breached(HIGH)),
    # What logs say; the names of their patterns are those of the role.
    Sign("log_startup", "logs speak of what cannot be started", {STARTUP: 1}, f.in_logs("startup"), hearsay=True),
    Sign("log_configuration", "logs speak of settings", {CONFIGURATION: 2}, f.in_logs("configuration"), hearsay=True),
    Sign(
        "log_resources",
        "logs speak of a lack of resources",
        {PERFORMANCE: 2, STARTUP: 1},
        f.in_logs("resources"),
        hearsay=True,
    ),
    Sign(
        "log_database",
        "logs speak of trouble with the database",
        {PERFORMANCE: 2},
        f.in_logs("database_trouble"),
        hearsay=True,
    ),
    Sign("log_network", "logs speak of the network", {NETWORK: 2}, f.in_logs("network"), hearsay=True),
    Sign(
        "log_dependency",
        "logs speak of a service that does not answer",
        {EXTERNAL: 2},
        f.in_logs("dependency"),
        hearsay=True,
    ),
)
