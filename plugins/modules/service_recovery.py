#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the services of a host back, in dependency order, and prove it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: service_recovery
short_description: Bring the services of a host back in dependency order, and prove it
version_added: "0.1.0"
description:
  - Observes, plans, applies and verifies the recovery of all services of a host in one call.
  - A service is judged by the process tree behind its listener, by its manager's state and by its probes together.
  - Only services that are not healthy are touched. A healthy host is not changed.
  - Stops what must stop in reverse dependency order, clears declared temp paths, starts in dependency order with each
    service ready before its dependents, and verifies over O(stable_for).
  - Processes are ended only by verified identity (pid and start time, command, working directory, user). A process that
    is not the service's own is never ended, but reported with its pid.
  - Services of the tier V(observability) are started when they are down, but never stopped.
options:
  services:
    description:
      - The service catalogue of the host, usually C(incident_services) of the inventory.
      - See the catalogue reference of the collection for its keys.
    type: dict
    required: true
  host_probes:
    description: Probes of the host itself (disk, memory, load). Their answers do not decide about services.
    type: dict
    default: {}
  only:
    description:
      - Names of the services to recover. What they depend on is included. Empty means all.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(assessed) observes and plans, and changes nothing.
      - V(recovered) applies the plan and fails unless every service is healthy at the end.
    type: str
    choices: [assessed, recovered]
    default: recovered
  force:
    description:
      - Restart the services of O(only), or all, also when healthy, and start although a dependency is not ready.
      - Never stops an observability service, never ends a foreign process, never starts into a rejected configuration.
    type: bool
    default: false
  stable_for:
    description:
      - How long the services must stay healthy with the same processes before they count as recovered.
      - A host that is found healthy, but with processes that are younger than half a minute, is watched as long, also
        with O(state=assessed). A service that dies soon after every start is healthy whenever it lives. What its
        manager had to start again several times is watched until it is older than that.
    type: str
    default: 2s
  deadline:
    description: Hard limit for the whole call. What was not done by then is reported as such.
    type: str
    default: 300s
  approved_plan:
    description:
      - The RV(plan) of an assessment that somebody approved. If the plan of this moment is another one, nothing is
        done and the module fails and says what is different. Empty means that nobody was asked.
    type: list
    elements: dict
    default: []
  ladder:
    description:
      - Remedies that may be used, in rising order of force. With V(config_rollback), services whose configuration is
        rejected, or that restarts did not help, go back to a configuration that is known to be good, as
        M(toombos.incident.config_rollback) does it. That is done from the controller, in calls of their own.
      - With V(code_rollback), services that run on O(code), and that restarts and another configuration did not help,
        go back to its last known good release, as M(toombos.incident.code_rollback) does it.
      - Of an O(approved_plan) only what is in it is done.
    type: list
    elements: str
    choices: [restart, config_rollback, code_rollback]
    default: [restart]
  rollback_to:
    description: Which configuration to go back to, the option O(toombos.incident.config_rollback#module:to).
    type: str
    default: best
  confirm:
    description: How long the host waits for the confirmation of a rollback before it goes back by itself.
    type: str
    default: 600s
  code:
    description: Where the code is, the option O(toombos.incident.code_rollback#module:code). Empty means nowhere.
    type: dict
    default: {}
  promote:
    description:
      - Whether a configuration that healthy services run on, and that is not known to be good yet, is proven and kept,
        as M(toombos.incident.config_snapshot) does it. It is a record of the collection, no change of the host.
    type: bool
    default: false
attributes:
  diff_mode:
    description: Returns the plan as diff, in the order in which it is applied.
    support: full
  idempotent:
    description: A second run on a healthy host changes nothing.
    support: full
extends_documentation_fragment:
  - toombos.incident.attributes.host
  - toombos.incident.recovery
  - toombos.incident.recovery.places
  - toombos.incident.recovery.reason
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.health_check
  - module: toombos.incident.change_freeze
"""

EXAMPLES = r"""
- name: Bring everything on the host back that is not healthy
  toombos.incident.service_recovery:
    services: "{{ incident_services }}"

- name: Show what would be done for one service and what it needs
  toombos.incident.service_recovery:
    services: "{{ incident_services }}"
    only: [main]
    state: assessed

- name: Recover a service that is described right here
  toombos.incident.service_recovery:
    services:
      web:
        manager: {kind: systemd, unit: nginx.service}
        ports: [80]
        probes:
          front: {kind: http, url: "http://127.0.0.1/", timeout: 2s}
    stable_for: 10s
"""

RETURN = r"""
recovered:
  description: Whether every service in scope is healthy at the end.
  returned: always
  type: bool
  sample: true
verdict:
  description: Status of the host with its root causes. The first one is the root cause.
  returned: always
  type: dict
  sample:
    status: unhealthy
    root_cause: {service: db, condition: foreign, message: "port 5432 is held by pid 4711", next: "Stop it by hand."}
    root_causes: []
services:
  description:
    - One entry per service in scope, in dependency order, with the condition at the end and, under C(before),
      at the start.
    - Conditions are V(healthy), V(starting), V(down), V(hung), V(failing), V(crash_loop), V(failed), V(bad_config),
      V(foreign), V(orphan), V(manager_gone), V(blocked), V(split_brain), V(worker_dead), V(degraded), V(zombie),
      V(wrong_user), V(wrong_service), V(deleted) and V(unknown).
    - The action is V(none), V(started), V(restarted), V(stopped) or V(refused).
    - The field C(flapping) says of a service that does not stay as it is how often it has changed. That is told when
      recoveries of the last hour found its health changed three times or more, and when its manager had to start it
      again several times within minutes. It is empty otherwise.
    - The field C(listeners) says who listens on the ports of the service at the end, by address, port and pids; there
      are no pids where they cannot be read.
  returned: always
  type: list
  elements: dict
  sample:
    - name: web
      tier: application
      condition: healthy
      message: healthy
      before: {condition: hung, message: "stopped by a signal"}
      action: restarted
      attempts: 1
      duration: 2.1
      flapping: changed 3 times in 40 minutes
      listeners: [{address: 0.0.0.0, port: 80, pids: [4711]}]
host_checks:
  description: Answers to O(host_probes), in order.
  returned: always
  type: list
  elements: dict
  sample: []
plan:
  description: The steps in the order in which they are (or would be) applied.
  returned: always
  type: list
  elements: dict
  sample:
    - {step: stop, service: web, reason: "hung: stopped by a signal"}
    - {step: start, service: web, reason: "hung: stopped by a signal"}
plan_hash:
  description: Digest of the plan's steps. Equal plans have equal hashes.
  returned: always
  type: str
  sample: 4f53cda18c2baa0c
steps:
  description: What became of each step, with duration in seconds. Empty in check mode and for V(assessed).
  returned: always
  type: list
  elements: dict
  sample:
    - {step: start, service: web, attempt: 1, status: done, message: start requested, duration: 0.05}
worsened:
  description: Services that were healthy, that the recovery did not touch, and that are not healthy any more.
  returned: always
  type: list
  elements: str
  sample: []
ladder:
  description:
    - Steps that are due after this and that this module does not do, with service and reason. V(roll_back_config) is
      for a service whose configuration is rejected, or that restarts did not help, where another configuration is
      known to be good.
  returned: always
  type: list
  elements: dict
  sample:
    - {step: roll_back_config, service: main, reason: "to main-000007, known good since 2026-11-28T03:40:00Z; …"}
unproven:
  description:
    - Healthy services whose running processes were started on a configuration that is not known to be good yet. What
      proves it is M(toombos.incident.config_snapshot).
  returned: always
  type: list
  elements: str
  sample: []
proven:
  description: Ids of the generations of configuration that were proven good after this, with O(promote).
  returned: when something was proven
  type: list
  elements: str
  sample: [main-000007]
outcome:
  description: What has come of a rollback, as of M(toombos.incident.config_rollback).
  returned: when one was begun
  type: str
  sample: confirmed
overrides:
  description: What the glass was broken for, and what was taken over from whom.
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "all 4 services are healthy; brought back: web"
"""

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule
from ansible_collections.toombos.incident.plugins.module_utils._options import SERVICE_RECOVERY
from ansible_collections.toombos.incident.plugins.module_utils._recovery.call import recover


def main() -> None:
    """Run the module."""
    module = CatalogueModule(**SERVICE_RECOVERY)
    invocation = module.invocation
    try:
        result = recover(module.params, module.check_mode, module.completed)
    except IncidentError as error:
        module.fail_json(msg=str(error), invocation=invocation, **error.result)
    plan = "".join(f"{step['step']} {step['service']}: {step['reason']}\n" for step in result["plan"])
    if plan:
        result["diff"] = {"prepared": plan}
    if module.params["state"] == "recovered" and not module.check_mode and not result["recovered"]:
        module.fail_json(invocation=invocation, **result)
    module.exit_json(invocation=invocation, **result)


if __name__ == "__main__":
    main()
