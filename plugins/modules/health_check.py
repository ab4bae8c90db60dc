#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask all health probes of a host at once."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: health_check
short_description: Ask all health probes of a host at once, and name the root cause
version_added: "0.1.0"
description:
  - Asks every probe of a host in one call, all at the same time, and answers each of them, in the order in which they
    are written, by a hard deadline.
  - When a service fails and so does something that it depends on, its checks are V(blocked), and the verdict names the
    one at the beginning of the chain as the root cause.
  - Probes have the semantics of Kubernetes (initial delay, period, timeout, success and failure thresholds).
  - Nothing is changed on the host. Commands of probes are ended with their whole process group when their time is up.
options:
  services:
    description:
      - The service catalogue of the host, usually C(incident_services) of the inventory.
      - See the catalogue reference of the collection for its keys and the kinds of probes.
    type: dict
  probes:
    description:
      - Probes that belong to no service, usually C(incident_host_probes) of the inventory. Name of the probe → probe.
      - They are asked before those of the services.
    type: dict
  only:
    description:
      - Names of the services to ask. What they depend on is asked, too, because the cause may be there.
      - Empty means all. O(probes) are asked in any case.
    type: list
    elements: str
  wait:
    description:
      - Ask again and again until every probe has reached its success threshold, at most for this time (V(30s), V(5m)).
      - Without it every probe is asked until either of its thresholds is reached.
    type: str
  stable_for:
    description:
      - With O(wait), how long all probes must stay good before the wait is over, such as V(10s).
      - A probe that fails again in that time starts the wait anew. One that does so twice is a warning (V(flapping)).
    type: str
  deadline:
    description:
      - Hard limit for the whole call. What has no answer by then is V(unknown).
      - Without it the limit is O(wait), or the time that the probes may take by their own thresholds and timeouts.
    type: str
  fail_when_unhealthy:
    description: Whether the task fails when the verdict is V(fail). The result is the same in both cases.
    type: bool
    default: true
notes:
  - The options O(services) and O(probes) may carry credentials, for example in headers. Only the names of their entries
    are echoed or logged, and what looks like a secret is masked in all answers.
extends_documentation_fragment:
  - toombos.incident.attributes.reader
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.service_recovery
"""

EXAMPLES = r"""
- name: Ask everything that the catalogue of this host declares
  toombos.incident.health_check:
    services: "{{ incident_services }}"
    probes: "{{ incident_host_probes }}"

- name: Wait until the main application and what it depends on is healthy
  toombos.incident.health_check:
    services: "{{ incident_services }}"
    only: [main]
    wait: 60s

- name: Look at a host without failing
  toombos.incident.health_check:
    probes:
      front:
        kind: http
        url: https://www.example.com/status
        expect: {status: [200], identity: {service: shop}, json: {"checks.0.status": [up, degraded]}}
        latency: {warn: 2s, fail: 5s}
        timeout: 8s
      database: {kind: tcp, address: db.example.com, port: 5432}
      data: {kind: disk, path: /srv/data, bytes: {warn: 80, fail: 90}, inodes: {warn: 80, fail: 90}}
      queue:
        kind: command
        command: [/usr/local/bin/queue-length]
        expect: {rc: 0, stdout: "^[0-9]{1,3}$"}
        timeout: 5s
    deadline: 10s
    fail_when_unhealthy: false
  register: health
"""

RETURN = r"""
checks:
  description:
    - One answer per probe, in the order of the probes.
    - The status is V(pass), V(warn), V(fail), V(blocked) (fails, and so does something it depends on) or V(unknown)
      (not answered by the deadline).
    - The reason is one word, for example V(ok), V(refused), V(timeout), V(wrong_service), V(bad_status), V(bad_body),
      V(slow), V(not_running), V(over_limit), V(cert_expired), V(flapping) or V(deadline).
    - C(retried) is true where it passed only after an attempt had failed.
    - The latency of the last attempt is given in seconds.
  returned: unless an option is not valid
  type: list
  elements: dict
  sample:
    - service: main
      probe: live
      kind: http
      status: fail
      reason: refused
      message: "nothing listens: connecting to 127.0.0.1 port 8443"
      observed: null
      expected: {status: ["200"]}
      latency: 0.0007
      attempts: 2
      retried: false
verdict:
  description: What the checks add up to. The first root cause in dependency order is the root cause.
  returned: unless an option is not valid
  type: dict
  contains:
    status:
      description: V(pass), V(warn) or V(fail).
      returned: always
      type: str
      sample: fail
    counts:
      description: How many checks have each status.
      returned: always
      type: dict
      sample: {pass: 7, warn: 0, fail: 1, blocked: 1, unknown: 0}
    root_cause:
      description: The first root cause, null when there is none. Its service is empty for a probe of the host itself.
      returned: always
      type: dict
      sample:
        service: main
        probe: live
        reason: refused
        message: "nothing listens: connecting to 127.0.0.1 port 8443"
    root_causes:
      description: One root cause per chain of failures.
      returned: always
      type: list
      elements: dict
      sample: []
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "2 of 9 checks fail; root cause: shop/front refused: nothing listens: connecting to 127.0.0.1 port 8443"
"""

from typing import Any

from ansible_collections.toombos.incident.plugins.module_utils._catalogue.order import select
from ansible_collections.toombos.incident.plugins.module_utils._catalogue.parse import (
    parse_catalogue,
    parse_host_probes,
)
from ansible_collections.toombos.incident.plugins.module_utils._clock import Clock
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule
from ansible_collections.toombos.incident.plugins.module_utils._options import HEALTH_CHECK
from ansible_collections.toombos.incident.plugins.module_utils._probe.stable import ask
from ansible_collections.toombos.incident.plugins.module_utils._probe.verdict import judge
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration


def check(params: dict[str, Any], defers: bool = False) -> dict[str, Any]:
    """The module's result. Raises IncidentError for options that are not valid.

    ``defers``: somebody completes the checks that this host cannot judge.
    """
    clock = Clock()
    started = clock.monotonic()
    catalogue = parse_catalogue(params["services"]) if params["services"] is not None else None
    probes = list(parse_host_probes(params["probes"])) if params["probes"] is not None else []
    if catalogue is not None:
        asked = select(catalogue, params["only"] or ())
        needed = frozenset(asked).union(*(catalogue.dependencies(name) for name in asked))
        probes += [probe for name in catalogue.order if name in needed for probe in catalogue.services[name].probes]
    limits = [parse_duration(params[key]) for key in ("wait", "deadline") if params[key] is not None]
    checks = ask(
        probes,
        deadline=started + min(limits) if limits else None,
        wait=params["wait"] is not None,
        stable_for=parse_duration(params["stable_for"] or 0),
        clock=clock,
        defers=defers,
    )
    verdict = judge(checks, catalogue)
    return {
        "changed": False,
        "checks": [answer.to_dict() for answer in verdict.checks],
        "verdict": verdict.to_dict(),
        "msg": verdict.summary,
    }


def main() -> None:
    """Run the module."""
    module = CatalogueModule(**HEALTH_CHECK)
    try:
        result = check(module.params, module.completed)
    except IncidentError as error:
        module.fail_json(msg=str(error), invocation=module.invocation)
    if module.params["fail_when_unhealthy"] and result["verdict"]["status"] == "fail":
        module.fail_json(invocation=module.invocation, **result)
    module.exit_json(invocation=module.invocation, **result)


if __name__ == "__main__":
    main()
