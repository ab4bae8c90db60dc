#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep configuration as a generation, and prove that one is good."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: config_snapshot
short_description: Keep the configuration of services as generations, and prove that one is good
version_added: "0.1.0"
description:
  - A generation is a copy of all configuration files of a service, with everything that belongs to them (owner, mode,
    times, extended attributes, ACLs, capabilities, links, and that a file is not there), in a store on the host that
    nobody else may read. Contents that are the same are kept once.
  - The last known good configuration is the newest generation that was proven, by services that were started on it and
    passed O(rounds) assessments in a row. No name, date or label makes one good.
  - A configuration that is as the newest generation is not kept again.
options:
  services:
    description: The service catalogue of the host, usually C(incident_services) of the inventory.
    type: dict
    required: true
  only:
    description: Names of the services to look at. Empty means all that declare a configuration.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(present) keeps the configuration in place.
      - V(proven) keeps it and assesses the services that run on it. Those that pass make it their last known good. The
        module does not fail for a service that does not pass, RV(unproven) says why.
    type: str
    choices: [present, proven]
    default: present
  rounds:
    description: How many assessments in a row a proof needs.
    type: int
    default: 3
  interval:
    description: How long to wait between two of them.
    type: str
    default: 1s
  label:
    description: A name for the generation, unique within those of its service. It moves to the newest that is given it.
    type: str
    default: ""
  backups:
    description:
      - Whether the backups that the catalogue declares (C(config.backups)) are kept as generations, too. They are never
        proven by that.
    type: bool
    default: false
  keep:
    description:
      - How many generations of a service stay in the store. What is proven or has a label stays in any case.
    type: int
    default: 30
  reason:
    description: Why, for a person who looks at the generations later, such as the number of an incident.
    type: str
    default: ""
  deadline:
    description: Hard limit for the assessments.
    type: str
    default: 120s
attributes:
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
  idempotent:
    description: What is kept, proven and labelled already is not changed.
    support: full
extends_documentation_fragment:
  - toombos.incident.attributes.host
  - toombos.incident.recovery.places
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.config_snapshot_info
  - module: toombos.incident.config_rollback
"""

EXAMPLES = r"""
- name: Keep the configuration of everything before a deployment
  toombos.incident.config_snapshot:
    services: "{{ incident_services }}"
    label: before-2.4

- name: Make what runs well the last known good
  toombos.incident.config_snapshot:
    services: "{{ incident_services }}"
    state: proven
    rounds: 5
"""

RETURN = r"""
generations:
  description: One entry per service, the generation that holds what is in place.
  returned: always
  type: list
  elements: dict
  sample:
    - service: main
      id: main-000007
      created: "2026-11-28T03:40:00Z"
      new: true
      files: 2
      labels: [before-2.4]
      proven: true
unproven:
  description: Service, and why its configuration could not be proven. Empty with O(state=present).
  returned: always
  type: dict
  sample: {main: "is failing in round 2 of 3: live: bad_status, 500"}
imported:
  description: Ids of the generations that backups have become.
  returned: always
  type: list
  elements: str
  sample: []
problems:
  description: Backups that cannot be used, and why.
  returned: always
  type: list
  elements: str
  sample: []
removed:
  description: Ids of generations that were too many.
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: One line for people.
  returned: always
  type: str
  sample: "main-000007 is new and proven"
"""

from ansible_collections.toombos.incident.plugins.module_utils._config.snapshot import snapshot
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule
from ansible_collections.toombos.incident.plugins.module_utils._options import CONFIG_SNAPSHOT


def main() -> None:
    """Run the module."""
    module = CatalogueModule(**CONFIG_SNAPSHOT)
    invocation = module.invocation
    try:
        result = snapshot(module.params, module.check_mode)
    except IncidentError as error:
        module.fail_json(msg=str(error), invocation=invocation, **error.result)
    module.exit_json(invocation=invocation, **result)


if __name__ == "__main__":
    main()
