#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write down which hosts were captured (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: evidence_manifest
short_description: Write down which hosts were captured and which were not
version_added: "0.1.0"
description:
  - Writes C(fleet.json) into the directory of the incident. It has every target, with its bag and digests, or with the
    reason why there is none. A host that could not be reached is V(missing).
  - The digest of the manifest and every missing host are recorded in the custody log.
  - That hosts are missing does not fail the task. Whoever needs them all asserts that RV(missing) is empty.
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
options:
  targets:
    description: Names of the hosts that were meant.
    type: list
    elements: str
    required: true
  results:
    description: Name of the variable in which each host's M(toombos.incident.evidence_capture) is registered.
    type: str
    required: true
extends_documentation_fragment:
  - toombos.incident.attributes.custodian
  - toombos.incident.custody
  - toombos.incident.custody.incident
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.evidence_capture
"""

EXAMPLES = r"""
- name: Write down which hosts were captured and which were not
  toombos.incident.evidence_manifest:
    incident: "{{ evidence_opened.incident }}"
    home: "{{ evidence_opened.home }}"
    targets: "{{ ansible_play_hosts_all }}"
    results: evidence_captured
  run_once: true
  register: evidence_record
"""

RETURN = r"""
counts:
  description: How many hosts are in which state.
  returned: success
  type: dict
  sample: {captured: 2, missing: 1, failed: 0}
captured:
  description: The hosts of which there is a bag.
  returned: success
  type: list
  elements: str
  sample: [web-1, web-2]
missing:
  description: The others, and why there is none. They were not reached, or their capture failed.
  returned: success
  type: dict
  sample: {web-3: "unreachable: No route to host"}
lines:
  description: One line per host, for people. Those without a bag come first.
  returned: success
  type: list
  elements: str
  sample: ["web-3: missing: unreachable: No route to host", "web-1: captured: INC-2026-1124-0001-web-1-001"]
path:
  description: The manifest.
  returned: success, not in check mode
  type: str
  sample: /srv/evidence/INC-2026-1124-0001/fleet.json
"""
