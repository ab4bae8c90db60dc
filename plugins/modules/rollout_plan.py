#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan the roll-out of a recovery from assessments (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rollout_plan
short_description: Plan the roll-out of a recovery from assessments
version_added: "0.1.0"
description:
  - Refuses an approval that does not fit any more, and a restart of much of the fleet at once (the storm brake).
  - Prints every host's steps. Chooses the hosts that need a recovery, canary first, and the sizes of the batches.
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
extends_documentation_fragment:
  - toombos.incident.attributes.controller
  - toombos.incident.run
  - toombos.incident.run.asked
author:
  - toombos.incident authors (@toombos)
"""

EXAMPLES = r"""
- name: Plan
  toombos.incident.rollout_plan:
    targets: "{{ guard_result.targets }}"
    assessments: standard_recovery_assessment
    inputs: "{{ guard_result.inputs }}"
    policy: "{{ guard_result.policy }}"
  run_once: true
  register: standard_recovery_plan
"""

RETURN = r"""
hosts:
  description: The hosts to recover, canary first. Empty when only the plan was asked for.
  returned: success
  type: list
  elements: str
  sample: [web-2, web-1]
serial:
  description: Sizes of the batches.
  returned: success
  type: list
  elements: int
  sample: [1, 1]
overrides:
  description: What the glass was broken for.
  returned: success
  type: list
  elements: str
  sample: []
plan_hash:
  description: Digest of all steps on all hosts.
  returned: success
  type: str
  sample: 4f53cda18c2baa0c
"""
