#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open the next batch of a roll-out only on proof (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rollout_gate
short_description: Open the next batch of a roll-out only on proof
version_added: "0.1.0"
description:
  - Reads the registered results of the hosts before this batch. Anything but a proven recovery closes it.
  - Where evidence is required, a host without it closes it as well.
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
options:
  hosts:
    description: All hosts of the roll-out in their order.
    type: list
    elements: str
    required: true
  results:
    description: Name of the variable in which each host's recovery is registered.
    type: str
    required: true
extends_documentation_fragment:
  - toombos.incident.attributes.controller
  - toombos.incident.run.preserved
author:
  - toombos.incident authors (@toombos)
"""

EXAMPLES = r"""
- name: Ask
  toombos.incident.rollout_gate:
    hosts: "{{ standard_recovery_plan.hosts }}"
    results: standard_recovery_result
  run_once: true
  register: standard_recovery_gate

- name: Stop
  ansible.builtin.meta: end_play
  when: not standard_recovery_gate.open
"""

RETURN = r"""
open:
  description: Whether the batch may begin.
  returned: success
  type: bool
  sample: false
reason:
  description: Why.
  returned: success
  type: str
  sample: "web-1 did not recover: 1 of 4 services are not healthy"
"""
