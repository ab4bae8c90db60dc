#!/usr/bin/python
# Copyright (c) 2026 the toombos.incident authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report signs of a breach (documentation; the code is the action plugin of the same name)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: breach_report
short_description: Show what was found of a breach, report it, and put it on record
version_added: "0.1.0"
description:
  - Reads what M(toombos.incident.ioc_scan) has registered on every target, shows it in one table with what to do next,
    and writes a report as Markdown on the controller, in C(check_mode), too. A report that cannot be written is a
    warning.
  - Names every host that was not searched, or not completely, and every host that was to be isolated and is not.
  - With O(record), keeps the findings as a file in the directory C(derived) of the incident, and their digest in its
    custody log.
  - Runs on the controller as an action plugin and never connects to a host. Use it with C(run_once).
options:
  targets:
    description: Names of the hosts that were meant.
    type: list
    elements: str
    required: true
  indicators:
    description: Name of the variable in which each host's M(toombos.incident.ioc_scan) is registered.
    type: str
    required: true
  isolations:
    description: Name of the variable in which each host's M(toombos.incident.containment) is registered, if any.
    type: str
    default: ""
  captures:
    description: Name of the variable in which each host's M(toombos.incident.evidence_capture) is registered, if any.
    type: str
    default: ""
  record:
    description: Whether to put it on record. The incident must be open (M(toombos.incident.evidence_open)).
    type: bool
    default: false
  contact:
    description: Whom to call, in words.
    type: str
    default: ""
  directory:
    description:
      - Where to write the report on the controller. By default where the other reports of the targets go, see
        O(reports), or else C(toombos-incident/investigations) below the user's state directory.
    type: path
    default: ""
  reports:
    description: Name of the variable that says where the targets' other reports go.
    type: str
    default: incident_reports
extends_documentation_fragment:
  - toombos.incident.attributes.custodian
  - toombos.incident.custody
  - toombos.incident.custody.incident
author:
  - toombos.incident authors (@toombos)
seealso:
  - module: toombos.incident.ioc_scan
  - module: toombos.incident.containment
  - module: toombos.incident.evidence_verify
"""

EXAMPLES = r"""
- name: Look for signs of a breach
  toombos.incident.ioc_scan:
    services: "{{ incident_services }}"
  register: scan

- name: Show what was found, and put it on record
  toombos.incident.breach_report:
    incident: INC-2026-1128-0001
    targets: "{{ ansible_play_hosts_all }}"
    indicators: scan
    record: true
    contact: "security on call, +1-555-0100"
  run_once: true
"""

RETURN = r"""
report:
  description: Where the report was written; empty when it could not be.
  returned: success
  type: str
  sample: /var/lib/reports/investigation-INC-2026-1128-0001.md
recorded:
  description: Whether the custody log has it.
  returned: success
  type: bool
  sample: true
findings:
  description: The file with the findings.
  returned: with O(record=true)
  type: str
  sample: /var/lib/evidence/INC-2026-1128-0001/derived/findings-20261128T035000Z-5f0c7b1d.json
sha256:
  description: Its digest, as the custody log has it.
  returned: with O(record=true)
  type: str
  sample: 2b1c7a7d1b1f0d4a0f3d7c0e6f3b4a5d6c7e8f90123456789abcdef012345678
head:
  description: The digest of the last record of the custody log.
  returned: when it was recorded
  type: str
  sample: 40216c3bd4ff3434bfc3df9d06baa0eefa52954537abef82ae5b29069f7bd318
counts:
  description: How many findings there are of each severity.
  returned: success
  type: dict
  sample: {critical: 1, high: 0, medium: 0, low: 0, info: 0}
incomplete:
  description: Hosts that were not searched, or not completely.
  returned: success
  type: list
  elements: str
  sample: []
not_isolated:
  description: Hosts that were to be isolated and are not.
  returned: success
  type: list
  elements: str
  sample: []
lines:
  description: What was shown.
  returned: success
  type: list
  elements: str
  sample: ["SIGNS OF A BREACH: 1 critical found; 1 of 1 hosts were searched."]
msg:
  description: One line for people.
  returned: always
  type: str
  sample: 1 critical found; 1 of 1 hosts were searched.
"""
