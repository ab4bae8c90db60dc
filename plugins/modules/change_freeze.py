#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freeze a host against recoveries, or keep services for a person."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: change_freeze
short_description: Freeze a host against recoveries, or keep services for a person
version_added: "0.1.0"
description:
  - While a host is frozen, no recovery changes anything on it. A recovery that is at work sees the freeze before its
    next step that changes something, and stops there. It goes on assessing, and says who froze the host and why.
  - With O(services) only these are kept, for a person who works on them by hand.
  - Nothing of a service itself is touched.
options:
  state:
    description: V(frozen) sets the freeze or keeps the services, V(thawed) ends that.
    type: str
    choices: [frozen, thawed]
    default: frozen
  services:
    description: Names of services to keep or to give back. Empty means the whole host.
    type: list
    elements: str
    default: []
  reason:
    description: Why, and by whom. At least ten characters for V(frozen).
    type: str
    default: ""
  owner:
    description: Who. Services are given back to nobody but who kept them, unless O(takeover) is set.
    type: str
    required: true
  expires:
    description:
      - After how long it ends by itself, such as V(30m).
      - V(0) means when it is thawed for a host, and an hour for services.
    type: str
    default: "0"
  takeover:
    description: Take services over, or give them back, although somebody else keeps them.
    type: bool
    default: false
  state_dir:
    description: Directory on the host where recoveries look for it.
    type: path
    default: /run/toombos-incident
attributes:
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
  idempotent:
    description: A second freeze for the same reason by the same owner changes nothing, unless it has an end that moves.
    support: partial
    details: With O(expires) each call moves the end.
extends_documentation_fragment:
  - toombos.incident.attributes.host
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.service_recovery
"""

EXAMPLES = r"""
- name: Let nothing be changed while evidence is saved
  toombos.incident.change_freeze:
    owner: alice
    reason: evidence of INC-2026-1123-0001 first

- name: Keep the main service for half an hour
  toombos.incident.change_freeze:
    services: [main]
    owner: alice
    reason: stepping through a deadlock
    expires: 30m

- name: Let recoveries work again
  toombos.incident.change_freeze:
    state: thawed
    owner: alice
"""

RETURN = r"""
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "main: held until 2026-11-23T03:41:00Z"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._options import CHANGE_FREEZE
from ansible_collections.toombos.incident.plugins.module_utils._recovery.control import Wish, control
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration


def main() -> None:
    """Run the module."""
    module = AnsibleModule(**CHANGE_FREEZE)
    asked = module.params
    try:
        wish = Wish(
            frozen=asked["state"] == "frozen",
            services=tuple(asked["services"]),
            owner=asked["owner"],
            reason=asked["reason"].strip(),
            expires=parse_duration(asked["expires"]),
            takeover=asked["takeover"],
        )
        outcome = control(asked["state_dir"], wish, apply=not module.check_mode)
    except IncidentError as error:
        module.fail_json(msg=str(error), **error.result)
    module.exit_json(changed=outcome.changed, msg=outcome.message)


if __name__ == "__main__":
    main()
