#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn the maintenance mode of a host on, with an end that is certain, or off."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: maintenance_mode
short_description: Turn the maintenance mode of a host on, with an end that is certain, or off
version_added: "0.1.0"
description:
  - Runs the commands and puts the flag in place that O(switch) names, so that a proxy shows users a page instead of
    errors.
  - Before anything of it is turned on, a deadline is set on the host that turns it off again by itself. It needs
    neither this run nor its connection, and survives a restart of the host. Where it cannot be set, nothing is turned
    on.
  - What fails half-way is turned off again.
  - A flag that somebody else has put there is neither replaced nor removed.
  - Configuration of services is never touched. A flag in an env file would keep a service from starting.
options:
  state:
    description: V(present) turns it on, or moves its end; V(absent) turns it off.
    type: str
    choices: [present, absent]
    default: present
  switch:
    description:
      - What turns it on and off, usually C(incident_maintenance) of the inventory. C(flag) is a file with C(path),
        C(mode), C(owner), C(group) and C(content), C(on) and C(off) are lists of commands, and C(timeout) is that of
        each command. The parts are described in C(docs/maintenance.md).
      - Needed to turn it on. It is turned off by the switch that turned it on.
    type: dict
    default: {}
  expires:
    description:
      - After how long it ends by itself, such as V(30m); at most 24 hours.
      - V(0) means an hour for one that is turned on, and that the end of one that is on stays.
    type: str
    default: "0"
  reason:
    description: Why, and by whom. At least ten characters for V(present).
    type: str
    default: ""
  owner:
    description: Who.
    type: str
    required: true
  services:
    description: The service catalogue of the host. A flag that is a file of a service's configuration is refused.
    type: dict
    default: {}
  store_dir:
    description: Directory on the host for what must survive a restart of it. Only root should be able to enter it.
    type: path
    default: /var/lib/toombos-incident
attributes:
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: full
  idempotent:
    description: A second time for the same reason changes nothing, unless it has an end that moves.
    support: partial
    details: With O(expires) each call moves the end.
extends_documentation_fragment:
  - toombos.incident.attributes.host
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.change_freeze
"""

EXAMPLES = r"""
- name: Show users a page for half an hour at most
  toombos.incident.maintenance_mode:
    switch:
      flag: {path: /run/shop/maintenance.json, mode: "0644"}
      "on": [[systemctl, reload, nginx]]
      "off": [[systemctl, reload, nginx]]
    services: "{{ incident_services }}"
    owner: alice
    reason: migration of the database, alice
    expires: 30m

- name: End it early
  toombos.incident.maintenance_mode:
    state: absent
    owner: alice
"""

RETURN = r"""
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "maintenance mode is on by alice until 2026-11-23T03:41:00Z: migration of the database, alice"
state:
  description: V(present) or V(absent), as it is now.
  returned: success
  type: str
  sample: present
until:
  description: When it ends by itself; empty when it is off.
  returned: success
  type: str
  sample: "2026-11-23T03:41:00Z"
"""

from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.control import maintain
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.plan import Wish
from ansible_collections.toombos.incident.plugins.module_utils._maintenance.types import (
    read_switch,
    refuse_configuration,
)
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule
from ansible_collections.toombos.incident.plugins.module_utils._options import MAINTENANCE_MODE
from ansible_collections.toombos.incident.plugins.module_utils._values import parse_duration


def main() -> None:
    """Run the module."""
    module = CatalogueModule(**MAINTENANCE_MODE)
    asked = module.params
    try:
        present = asked["state"] == "present"
        switch = read_switch(asked["switch"]) if present and asked["switch"] else None
        if switch is not None:
            refuse_configuration(switch, asked["services"])
        wish = Wish(
            present=present,
            owner=asked["owner"],
            reason=asked["reason"].strip(),
            expires=parse_duration(asked["expires"]),
            switch=switch,
        )
        outcome = maintain(asked["store_dir"], wish, apply=not module.check_mode)
    except IncidentError as error:
        module.fail_json(msg=str(error), invocation=module.invocation, **error.result)
    module.exit_json(invocation=module.invocation, **outcome.to_dict())


if __name__ == "__main__":
    main()
