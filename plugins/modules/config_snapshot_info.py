#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List generations of configuration."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: config_snapshot_info
short_description: List generations of configuration, and check the store that holds them
version_added: "0.1.0"
description:
  - Lists what M(toombos.incident.config_snapshot) and M(toombos.incident.config_rollback) have kept. Contents are not
    returned.
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
  verify:
    description: Read the whole store and check every digest. The module fails when something is wrong with it.
    type: bool
    default: false
  store_dir:
    description: Directory on the host for what must last.
    type: path
    default: /var/lib/toombos-incident
attributes:
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
  idempotent:
    description: Nothing is changed.
    support: full
extends_documentation_fragment:
  - toombos.incident.attributes.host
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.config_snapshot
"""

EXAMPLES = r"""
- name: What could be gone back to?
  toombos.incident.config_snapshot_info:
    services: "{{ incident_services }}"
    verify: true
  register: known
"""

RETURN = r"""
generations:
  description: Those of each service, the newest first.
  returned: always
  type: dict
  sample:
    main:
      - id: main-000007
        created: "2026-11-28T03:40:00Z"
        origin: snapshot
        source: before 2.4
        labels: [before-2.4]
        proven: "2026-11-28T03:40:03Z"
        in_place: true
        files: [{path: /opt/app/.env, kind: file, mode: "0600", size: 312}]
waiting:
  description: Rollbacks that wait for their confirmation.
  returned: always
  type: list
  elements: dict
  sample: []
problems:
  description: What is wrong with the store. Looked for with O(verify) only.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible_collections.toombos.incident.plugins.module_utils._config.listing import listing
from ansible_collections.toombos.incident.plugins.module_utils._errors import IncidentError
from ansible_collections.toombos.incident.plugins.module_utils._module import CatalogueModule
from ansible_collections.toombos.incident.plugins.module_utils._options import CONFIG_SNAPSHOT_INFO


def main() -> None:
    """Run the module."""
    module = CatalogueModule(**CONFIG_SNAPSHOT_INFO)
    invocation = module.invocation
    try:
        result = listing(module.params)
    except IncidentError as error:
        module.fail_json(msg=str(error), invocation=invocation, **error.result)
    if result["problems"]:
        result["msg"] = (
            f"The store is damaged: {result['problems'][0]}. Do not go back to what it holds; take the files from a "
            "backup, and move the store away."
        )
        module.fail_json(invocation=invocation, **result)
    module.exit_json(invocation=invocation, **result)


if __name__ == "__main__":
    main()
