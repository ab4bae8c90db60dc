#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Isolate a host from everything but its responders, keep it isolated, and release it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: containment
short_description: Isolate a host from everything but its responders, keep it isolated, and release it
version_added: "0.1.0"
description:
  - Cuts all traffic of a host, of both families, in, out and forwarded, new and established, but that of the networks
    in O(management) to its ssh port and of the exact destinations in O(allow). The rules are of our own, put in place
    in one transaction; those of others stay as they are.
  - The address from which the responder really comes stays reachable as well, unless that is declined.
  - Before anything is cut, a deadline is set on the host. Unless it is called off over a new connection, the host goes
    back to what was there before by itself, whatever has become of the controller, the connection, or the host's own
    uptime. The action does that at the end of the same task.
  - What is confirmed holds over restarts of the host, and is put back within seconds when something removes or changes
    it, which is counted and told.
  - Anything but a confirmed isolation fails the task, unless only the isolation or a release was asked for.
  - Whoever is root on the host can undo anything.
options:
  state:
    description:
      - V(confirmed) isolates and confirms it over a new connection. With O(token) it only confirms.
      - V(isolated) isolates and leaves the confirmation to a later call, which needs RV(token) as O(token).
      - V(released) takes the isolation away. Needs O(incident) and O(reason).
    type: str
    choices: [isolated, confirmed, released]
    default: confirmed
  incident:
    description: The incident that it is done for. A host is released for the incident that it was isolated for.
    type: str
    default: ""
  reason:
    description: Why. At least 10 characters for V(released) and for O(force).
    type: str
    default: ""
  management:
    description: Addresses and networks in CIDR notation of those who respond. They reach the ssh port, nothing else.
    type: list
    elements: str
    default: []
  ssh_port:
    description: The port of sshd; V(0) for that of the connection, or else those on which sshd listens.
    type: int
    default: 0
  allow:
    description:
      - What the host itself may still reach, a list of mappings with C(to) (one exact address), C(port), C(protocol)
        (V(tcp) or V(udp), V(tcp) unless said) and C(why).
    type: list
    elements: dict
    default: []
  protected:
    description: Addresses and networks of hosts that are not isolated, such as controllers and jump hosts.
    type: list
    elements: str
    default: []
  backend:
    description: The packet filter to use; empty for the best one that works.
    type: str
    choices: ["", nftables, iptables]
    default: ""
  keep_responder:
    description: Whether the address from which this connection comes stays reachable, whatever O(management) says.
    type: bool
    default: true
  confirm:
    description: How long the host waits for the confirmation, 2 seconds to 1 hour.
    type: str
    default: 60s
  token:
    description: Names an isolation that waits for its confirmation.
    type: str
    default: ""
  approve:
    description:
      - The RV(plan_hash) of a plan that was approved. Where the plan is another one by now nothing is changed. Empty
        means that whatever the plan is may be done.
    type: str
    default: ""
  force:
    description:
      - Isolate in spite of what speaks against it, and release for another incident. Needs O(reason), and is put on
        record. What could not work at all is refused all the same.
    type: bool
    default: false
  owner:
    description: Who runs it. Kept with the reason.
    type: str
    default: an unnamed run
  lock_timeout:
    description: How long to wait for another call that changes the isolation of this host before it is refused.
    type: str
    default: 30s
attributes:
  diff_mode:
    description: Returns our rules before and after; in check mode the text that would be loaded.
    support: full
  idempotent:
    description: What is isolated and confirmed in the same way already is not changed, nor is what is released.
    support: full
extends_documentation_fragment:
  - toombos.incident.attributes.host
  - toombos.incident.recovery.places
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.containment_info
"""

EXAMPLES = r"""
- name: Isolate the host
  toombos.incident.containment:
    incident: INC-2026-1128-0001
    reason: unknown ssh key of root, alice
    management: [192.0.2.0/28, "2001:db8:1::/64"]
    allow:
      - {to: 198.51.100.7, port: 6514, why: log shipping}

- name: Show the plan
  toombos.incident.containment:
    management: [192.0.2.0/28]
  check_mode: true
  diff: true
  register: planned

- name: Give it back
  toombos.incident.containment:
    state: released
    incident: INC-2026-1128-0001
    reason: reinstalled and verified, alice
"""

RETURN = r"""
outcome:
  description:
    - V(unchanged), nothing was to be done. V(isolated), in force and waiting for the confirmation until RV(until).
      V(confirmed), it stays. V(rolled_back), it was not confirmed, or did not come into force, and what was there
      before is back. V(rollback_failed), what was there before could not be brought back, and the deadline tries that
      again. V(released). V(planned) in check mode.
  returned: always
  type: str
  sample: confirmed
backend:
  description: The packet filter.
  returned: always
  type: str
  sample: nftables
plan:
  description: What stays possible, and why.
  returned: when the host is isolated or would be
  type: list
  elements: dict
  sample: [{direction: in, network: 192.0.2.0/28, protocol: tcp, port: 22, why: management}]
plan_hash:
  description: Names this plan, for O(approve).
  returned: when the host is isolated or would be
  type: str
  sample: 5f0c7b1d9a3e4c28
notes:
  description: What people should know about the plan.
  returned: when the host is isolated or would be
  type: list
  elements: str
  sample: []
refusals:
  description: What speaks against it.
  returned: when it is refused
  type: list
  elements: str
  sample: []
overrides:
  description: What spoke against it and was overridden.
  returned: when something was changed or would be
  type: list
  elements: str
  sample: []
token:
  description: Names the isolation while it waits.
  returned: while it waits
  type: str
  sample: 0c1f4b6f7f5c4e6ab0f60dbde6d3e0d7
until:
  description: When the host goes back by itself.
  returned: while it waits
  type: str
  sample: "2026-11-28T03:50:00Z"
proof:
  description: What the host itself saw, over C(allowed), which is this connection. C(cut) packets were dropped.
  returned: when it is confirmed
  type: dict
  sample:
    allowed: 192.0.2.3 50112 198.51.100.20 22
    cut: 1834
    counters: [{chain: inet input, rule: counter drop, packets: 1834, bytes: 220080}]
    flows: ["in from 192.0.2.0/28 tcp/22 (management)"]
counters:
  description: What our rules have counted, for the record.
  returned: when it is released
  type: list
  elements: dict
  sample: [{chain: inet input, rule: counter drop, packets: 1834, bytes: 220080}]
tampering:
  description: How often the rules were removed or changed, when, and what was found instead.
  returned: when it is released
  type: dict
  sample: {count: 0, first: 0.0, last: 0.0, events: []}
restored:
  description: Whether the rules of others are as they were before. Others may have changed their own meanwhile.
  returned: when it is released
  type: bool
  sample: true
archive:
  description: The file on the host that keeps the record of this isolation.
  returned: when it is released
  type: str
  sample: /var/lib/toombos-incident/containment/history/0f3a9c2b7d1e4f68.json
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "confirmed for INC-2026-1128-0001: isolated and confirmed; it holds over restarts"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.toombos.incident.plugins.module_utils._containment.call import contain
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._options import CONTAINMENT


def main() -> None:
    """Run the module."""
    module = AnsibleModule(**CONTAINMENT)
    try:
        result = contain(module.params, module.check_mode)
    except IncidentError as error:
        module.fail_json(msg=str(error), **error.result)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
