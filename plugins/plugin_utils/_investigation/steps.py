# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to type next, per hypothesis. Only commands that exist, with names that the inventory has. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.facts import Fleet
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.hypotheses import Hypothesis
from ansible_collections.toombos.incident.plugins.plugin_utils._investigation.signs import (
    BREACH,
    CONFIGURATION,
    EXTERNAL,
    NETWORK,
    PERFORMANCE,
    STARTUP,
)

_PLAN = "ansible-playbook recover.yml -e target={hosts}{services} -e plan=only"
_LOOK = "ansible-playbook triage.yml -e target={hosts}{services}"
_ISOLATE = "ansible-playbook security_breach.yml -e target={hosts} -e \"reason='why and who'\""
_REACH = "ansible {hosts} -m ansible.builtin.ping"


@dataclass(frozen=True)
class Step:
    """One sentence, and the command."""

    words: str
    command: str


# (words, command) while something is red, and while everything still counts as healthy.
_STEPS: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    STARTUP: (
        ("Look at the plan of a recovery; without plan=only it is carried out.", _PLAN),
        ("Everything runs at this moment: look again.", _LOOK),
    ),
    PERFORMANCE: (
        ("Make room first where a resource is used up; then look at the plan of a recovery.", _PLAN),
        ("Nothing is red, so a recovery would change nothing: make room, then look again.", _LOOK),
    ),
    NETWORK: (
        ("A restart will not help. Find out whether the hosts can be reached at all.", _REACH),
        ("A restart will not help. Look at the path, the proxy or the firewall, then look again.", _LOOK),
    ),
    CONFIGURATION: (
        ("Correct the files that are named in the evidence (a restart would not), then look at the plan.", _PLAN),
        ("Correct the files that are named in the evidence, then look again.", _LOOK),
    ),
    EXTERNAL: (
        ("Bring back what is waited for, or tell whoever runs it; where it runs here, look at the plan.", _PLAN),
        ("Nothing is red here: ask whoever runs what is waited for, then look again.", _LOOK),
    ),
    BREACH: 2
    * (
        (
            "Restart nothing, it destroys evidence. Call the security team, and look at the plan of an isolation.",
            _ISOLATE,
        ),
    ),
}


def next_step(hypothesis: Hypothesis, fleet: Fleet) -> Step:
    """What to do about a hypothesis."""
    hosts = {host.name: host for host in fleet.hosts}
    explained = [hosts[name] for name in hypothesis.hosts]
    red = [host for host in explained if host.red or not host.judged]
    words, command = _STEPS[hypothesis.pattern][0 if red else 1]
    known = {service.name for host in explained for service in host.services if service.declared}
    services = [name for name in hypothesis.services if name in known]
    if hypothesis.pattern == EXTERNAL and fleet.external:
        services = [name for name in services if name in fleet.external]
    chosen = f" -e svc={shlex.quote(','.join(services))}" if services and hypothesis.pattern != NETWORK else ""
    names = shlex.quote(",".join(host.name for host in red or explained))
    return Step(words, command.format(hosts=names, services=chosen))
