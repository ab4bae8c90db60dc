#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say how the isolation of a host stands."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: containment_info
short_description: Say how the isolation of a host stands
version_added: "0.1.0"
description:
  - Tells whether M(toombos.incident.containment) has isolated the host, whether that is in force, what keeps it so, and
    whether somebody has tampered with it.
options: {}
attributes:
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
  idempotent:
    description: Nothing is changed.
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
- name: Is it isolated?
  toombos.incident.containment_info:
  register: isolation
"""

RETURN = r"""
state:
  description:
    - V(released), it is not isolated. V(isolated), it waits for its confirmation. V(confirmed). V(left_behind), there
      are rules or a record that nothing will end. V(unknown), the record cannot be read.
  returned: always
  type: str
  sample: confirmed
in_force:
  description: Whether the rules are as they were put in place.
  returned: always
  type: bool
  sample: true
backend:
  description: The packet filter that holds rules of ours; empty when none does.
  returned: always
  type: str
  sample: nftables
isolation:
  description: For which incident, why, by whom, since when, and what stays possible.
  returned: always
  type: dict
  sample: {incident: INC-2026-1128-0001, who: alice, since: "2026-11-28T03:40:00Z"}
until:
  description: When the host goes back by itself, while it waits for its confirmation.
  returned: always
  type: str
  sample: ""
kept_by:
  description: What keeps it in force, and what a restart of the host means; empty when nothing does.
  returned: always
  type: str
  sample: "systemd: It is in force before the network comes up."
tampering:
  description: How often the rules were removed or changed, when, and what was found instead.
  returned: always
  type: dict
  sample: {count: 1, first: "2026-11-28T03:44:00Z", last: "2026-11-28T03:44:00Z", events: []}
counters:
  description: What our rules have counted.
  returned: always
  type: list
  elements: dict
  sample: [{chain: inet input, rule: counter drop, packets: 1834, bytes: 220080}]
cut:
  description: Packets that were dropped.
  returned: always
  type: int
  sample: 1834
problems:
  description: What is not as it should be.
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: One line for people.
  returned: always
  type: str
  sample: confirmed
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.toombos.incident.plugins.module_utils._containment.info import standing
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._options import CONTAINMENT_INFO


def main() -> None:
    """Run the module."""
    module = AnsibleModule(**CONTAINMENT_INFO)
    try:
        result = standing(module.params)
    except IncidentError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
