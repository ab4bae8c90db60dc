#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a whole run by what the probes said (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: fleet_verdict
short_description: Judge a whole run by what the probes said
version_added: "0.1.0"
description:
  - Adds up assessments and recoveries to one verdict, one table and one machine-readable line.
  - The callback P(toombos.incident.verdict#callback) prints it last. Without the callback it is printed here.
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
options:
  results:
    description: Name of the variable in which each host's recovery is registered.
    type: str
    required: true
  started:
    description: When the run began, in seconds since the epoch.
    type: float
    required: true
  overrides:
    description: What brakes of the run were released; the verdict names them.
    type: list
    elements: str
    default: []
  triage:
    description: Whether nothing was meant to be recovered.
    type: bool
    default: false
  controller_checks:
    description:
      - What M(toombos.incident.controller_probes) returned as C(checks).
      - They are compared with what the hosts say. What users cannot see is not healthy.
    type: dict
    default: {}
extends_documentation_fragment:
  - toombos.incident.attributes.controller
  - toombos.incident.run
  - toombos.incident.run.asked
  - toombos.incident.run.preserved
author:
  - toombos.incident authors (@toombos)
"""

EXAMPLES = r"""
- name: Judge
  toombos.incident.fleet_verdict:
    targets: "{{ guard_result.targets }}"
    assessments: standard_recovery_assessment
    results: standard_recovery_result
    inputs: "{{ guard_result.inputs }}"
    policy: "{{ guard_result.policy }}"
    started: "{{ guard_result.started }}"
  run_once: true
  register: standard_recovery_verdict
"""

RETURN = r"""
status:
  description: V(healthy), V(recovered), V(not_recovered), V(plan_only), V(check_mode) or V(triage).
  returned: success
  type: str
  sample: recovered
red:
  description: Hosts that are not healthy, with one line each.
  returned: success
  type: dict
  sample: {web-1: "1 of 4 services are not healthy"}
fail_hosts:
  description: The hosts that have to be failed so that the run cannot end as a success.
  returned: success
  type: dict
  sample: {}
incident_verdict:
  description: The text for the screen and the content of the machine-readable line.
  returned: success
  type: dict
  sample: {text: "RECOVERED", machine: {status: recovered}, ok: true}
"""
