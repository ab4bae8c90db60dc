#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse a run that must not begin (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: guard
short_description: Refuse a run that must not begin
version_added: "0.1.0"
description:
  - Makes a responder's inputs exact. They arrive as text from extra-vars and surveys.
  - Resolves the targets and refuses blank, unknown and too many ones, misspelt variables and invalid catalogues.
  - Refuses tags that would leave out the rest of the run, and groups of a run that already hold other hosts.
  - An option is what holds when neither the responder's extra-var of the same name nor a variable of the play says
    otherwise. Extra-vars are taken as text and never templated, so that an alert's text cannot be executed.
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
options:
  target:
    description: Host pattern. Empty is refused.
    type: str
    required: true
  svc:
    description: Names of services, separated by commas. Empty means all.
    type: str
    default: ""
  plan:
    description: V(only) plans and changes nothing.
    type: str
    default: ""
  approve:
    description: The approved plan hash.
    type: str
    default: ""
  force:
    description: A truth value as text.
    type: str
    default: ""
  reason:
    description: Why, and by whom. At least 10 characters with O(force).
    type: str
    default: ""
  max_hosts:
    description:
      - Most hosts that the target may mean, as text, or a percentage of the inventory such as V(25%).
      - Empty means what the policy says.
    type: str
    default: ""
  fail:
    description: A truth value as text. Whether a triage fails when something is red.
    type: str
    default: ""
  takeover:
    description: A truth value as text. Whether to act although somebody else has leased a service. Needs O(reason).
    type: str
    default: ""
  break_glass:
    description:
      - A truth value as text. Whether to act in spite of circuit breakers, host limits and the storm brake.
      - Needs O(reason), and is put on record.
    type: str
    default: ""
  expires:
    description: After how long a freeze ends by itself, such as V(30m). Empty means that it does not.
    type: str
    default: ""
  evidence:
    description:
      - V(skip) changes things without capturing the hosts first, which needs O(reason) and is put on record.
      - V(required) changes nothing unless every host that would be changed is captured. Empty means what
        C(incident_evidence) says.
    type: str
    default: ""
  incident:
    description: Number of the incident that the run belongs to. Empty means a new one, where one is needed.
    type: str
    default: ""
  verdict:
    description: Whether the run owes a verdict at its end.
    type: bool
    default: true
  policy:
    description: How a roll-out behaves, C(incident_policy) of the inventory.
    type: dict
    default: {}
extends_documentation_fragment:
  - toombos.incident.attributes.controller
author:
  - toombos.incident authors (@toombos)
"""

EXAMPLES = r"""
- name: Check before anything else
  toombos.incident.guard:
    target: web
    force: "no"
    policy: "{{ incident_policy }}"
  run_once: true
  register: guard_result
"""

RETURN = r"""
inputs:
  description: The inputs with their types.
  returned: success
  type: dict
  sample:
    {target: web, services: [], plan_only: false, approve: "", force: false, reason: "", max_hosts: 50, fail: false,
     takeover: false, break_glass: false, expires: 0.0, evidence: "", incident: "", owner: alice@controller,
     words: {}}
overrides:
  description: What the glass was broken for.
  returned: success
  type: list
  elements: str
  sample: []
verdict_owed:
  description: Whether the run ends with a verdict.
  returned: success
  type: bool
  sample: true
policy:
  description: The policy with its types, times in seconds.
  returned: success
  type: dict
  sample: {canary: 1, batches: [1, "10%", "100%"], max_hosts: 50, stable_for: 2.0, deadline: 300.0}
evidence:
  description: How evidence is kept, C(incident_evidence) with its types, the budget in seconds.
  returned: success
  type: dict
  sample:
    {mode: wanted, reason: "", home: /home/alice/.local/share/toombos-incident/evidence, signing_key: "", budget: 60.0,
     keep: [open, personal], seal: {}}
targets:
  description: Names of the hosts that the run means and may reach.
  returned: success
  type: list
  elements: str
  sample: [web-1, web-2]
controller_targets:
  description: Those of them about which something is to be asked from the controller.
  returned: success
  type: list
  elements: str
  sample: []
started:
  description: When the run began, in seconds since the epoch.
  returned: success
  type: float
  sample: 1795459530.9
"""
