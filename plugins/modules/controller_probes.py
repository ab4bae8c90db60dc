#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask from the controller what users see (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: controller_probes
short_description: Ask from the controller what users see
version_added: "0.1.0"
description:
  - Asks those probes of the targets' catalogues that say C(from=controller) or C(from=both), over the network, as a
    user would. All targets are asked at once, by a hard deadline.
  - The variables C(incident_services) and C(incident_host_probes) of each target are read.
  - A probe of kind C(prometheus) needs the Python library C(requests) on the controller.
  - Runs on the controller as an action plugin and does not connect to the targets as Ansible does. Use it with
    C(run_once).
options:
  targets:
    description: Names of the hosts. M(toombos.incident.guard) returns those that have such probes.
    type: list
    elements: str
    required: true
  only:
    description: Names of the services to ask about, with what they need. Empty means all.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - toombos.incident.attributes.controller
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.health_check
  - module: toombos.incident.fleet_verdict
"""

EXAMPLES = r"""
- name: Look at the services from outside
  toombos.incident.controller_probes:
    targets: "{{ guard_result.controller_targets }}"
    only: "{{ guard_result.inputs.services }}"
  run_once: true
  register: standard_recovery_outside
"""

RETURN = r"""
checks:
  description: Host → its checks, as M(toombos.incident.health_check) returns them, in the order of the probes.
  returned: success
  type: dict
  sample:
    web-1:
      - service: main
        probe: live
        kind: http
        status: fail
        reason: refused
        message: "nothing listens: connecting to shop.example.org port 443"
        observed: null
        expected: {status: ["200"]}
        latency: 0.0102
        attempts: 2
msg:
  description: One line for people.
  returned: success
  type: str
  sample: 3 of 4 checks pass from the controller
"""
