#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show what would be isolated, and insist on an approval (documentation; the code is the action of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: containment_gate
short_description: Show what a fleet would be isolated to, and insist on an approval of exactly that
version_added: "0.1.0"
description:
  - Adds up what M(toombos.incident.containment) said of each host in check mode, and shows it.
  - Refuses to isolate the last host of a group that does its work, and hosts that cannot be isolated or were not heard
    of. Fails without an approval of the plan, and with one of another plan. In check mode no approval is needed.
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
options:
  targets:
    description: The hosts to isolate.
    type: list
    elements: str
    required: true
  plans:
    description: The name of the variable in which each of them has registered what containment said in check mode.
    type: str
    required: true
  health:
    description: The name of the variable in which the hosts that stay have registered M(toombos.incident.health_check).
    type: str
    required: true
  standing:
    description: The same of M(toombos.incident.containment_info).
    type: str
    required: true
  keep_one_of:
    description: Groups of which at least one host must stay that is healthy and not isolated.
    type: list
    elements: str
    default: []
  access:
    description:
      - The name of the variable in which those of which access is to be taken away have registered what
        M(toombos.incident.access_revocation) said in check mode. It is shown with the plan, and the approval covers it.
    type: str
    default: ""
  approve:
    description: The RV(plan_hash) that somebody approved.
    type: str
    default: ""
  force:
    description: Isolate the last host of a group all the same.
    type: bool
    default: false
  broken:
    description: Limits that were broken through before, as in RV(toombos.incident.guard#module:overrides), to be shown.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - toombos.incident.attributes.controller
author:
  - toombos.incident authors (@toombos)
"""

EXAMPLES = r"""
- name: Insist on an approval
  toombos.incident.containment_gate:
    targets: [web-1]
    plans: security_containment_planned
    health: security_containment_health
    standing: security_containment_standing
    keep_one_of: [web]
    approve: 4f53cda18c2baa0c
  run_once: true
"""

RETURN = r"""
plan_hash:
  description: Names the plan of the fleet.
  returned: always
  type: str
  sample: 4f53cda18c2baa0c
plan:
  description: The plan, line by line.
  returned: always
  type: list
  elements: str
  sample: ["web-1: cut everything by nftables, but"]
hashes:
  description: The hash of the plan of each host, for the option C(approve) of M(toombos.incident.containment).
  returned: always
  type: dict
  sample: {web-1: 5f0c7b1d9a3e4c28}
access_hashes:
  description: The same for the option C(approve) of M(toombos.incident.access_revocation).
  returned: always
  type: dict
  sample: {web-1: 9a3e4c285f0c7b1d}
overrides:
  description: What was against it and was broken through.
  returned: always
  type: list
  elements: str
  sample: []
refusals:
  description: What is against it.
  returned: when it is refused
  type: list
  elements: str
  sample: []
"""
