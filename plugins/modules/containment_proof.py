#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove the isolation of a host by what still gets through, and what does not."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: containment_proof
short_description: Prove the isolation of a host by what gets through, and what does not
version_added: "0.1.0"
description:
  - Asks before M(toombos.incident.containment) has isolated the host, and once more afterwards, over a new connection.
    From both sides, over IPv4 and IPv6, TCP, UDP and ICMP. The controller asks what listens on the host, and whether a
    word that nobody else knows arrives there. The host asks the controller, its routers, its resolvers, and those with
    whom it was connected.
  - What was open before and is silent now is proof. What was silent before says nothing, and what could not be asked is
    never counted. What should be cut and gets through fails the task; the isolation stays as it is.
  - A connection that was not allowed counts as cut when no bytes move in it; its socket may live on for long.
  - What is allowed is what the host says of its isolation. Of that, only ssh is asked.
options:
  phase:
    description:
      - V(before), while the host is open. Register it, and give its RV(before) to the phase V(after).
      - V(after), when it is isolated.
      - V(witness) is asked of another host, with C(delegate_to), before and after. It is to be none of the responders.
    type: str
    choices: [before, after, witness]
    default: after
  before:
    description: The RV(before) of the phase V(before).
    type: dict
    default: {}
  witnessed:
    description: What the phase V(witness) has returned, as C(before) and C(after).
    type: dict
    default: {}
  targets:
    description: For a witness, C(addresses) and C(port) of the ssh of each host that it is to ask.
    type: list
    elements: dict
    default: []
  ask:
    description: What the controller's half tells the host's half. Not for anybody else.
    type: dict
    default: {}
attributes:
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
  idempotent:
    description: Nothing is changed. For a moment both sides listen on ports of their own.
    support: full
extends_documentation_fragment:
  - toombos.incident.attributes.host
  - toombos.incident.recovery.places
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.containment
"""

EXAMPLES = r"""
- name: Ask what is open
  toombos.incident.containment_proof:
    phase: before
  register: open

- name: Isolate the host
  toombos.incident.containment:
    incident: INC-2026-1128-0001
    reason: unknown ssh key of root, alice
    management: [192.0.2.0/28]

- name: Prove that it is cut off
  toombos.incident.containment_proof:
    before: "{{ open.before }}"
"""

RETURN = r"""
before:
  description: What was answered before, for the phase after.
  returned: phase before
  type: dict
  sample: {reached_at: [192.0.2.20], ssh_port: 22, connections: 12}
answers:
  description: What a witness has seen.
  returned: phase witness
  type: list
  elements: dict
  sample: [{address: 192.0.2.20, port: 22, seen: silent, why: ""}]
outcome:
  description:
    - V(proved), something was open and is cut, nothing got through, and the responders have a way in.
    - V(not_proved), nothing got through, and there was nothing to show it by, or no new connection.
    - V(disproved), something got through or moves, the rules are not in force, or ssh is gone.
  returned: phase after
  type: str
  sample: proved
proof:
  description:
    - C(probes), each with C(from), C(family), C(protocol), C(to), what was C(expected), C(before) and C(seen), the
      C(verdict) (V(held), V(kept), V(got_through), V(lost), V(says_nothing), V(not_made)), and why.
    - C(counts) of the verdicts, C(cells) by direction, family and protocol, C(counters) of our rules, and how many
      packets were C(dropped).
    - C(flows), how many connections there were before and are left, which are C(still_moving), and what is allowed.
    - C(against), what speaks against it; the same as C(findings) where it is disproved. C(taken_at).
  returned: phase after
  type: dict
  sample: {outcome: proved, ok: true, counts: {held: 9, got_through: 0}, flows: {before: 12, after: 3}}
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "isolated, and proved: 9 probes were open and are cut (in IPv4 tcp), 4 say nothing, 0 could not be made."
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.toombos.incident.plugins.module_utils._containment.proving import look, take_part, testify
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._options import CONTAINMENT_PROOF


def main() -> None:
    """Run the module."""
    module = AnsibleModule(**CONTAINMENT_PROOF)
    half = testify if module.params["phase"] == "witness" else take_part if module.params["ask"] else look
    try:
        result = half(module.params)
    except IncidentError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
